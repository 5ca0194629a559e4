"""Lambda authorizers: who is asked, what is cached, and what their policies decide."""

from collections.abc import Callable
from typing import Any

import pytest

from local.standins.gateway.iam_policy import Decision, PolicyError, evaluate
from tests.local.standins.gateway_setup import (
    ACCOUNT,
    API_ID,
    REGION,
    FakeAws,
    FunctionError,
    GatewayClient,
    client_of,
    invocation_uri,
    ok,
    proxy,
)

ARN = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{API_ID}/live"
TOKEN = {"Authorization": "Bearer good"}


def policy(*statements: tuple[str, str]) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": effect, "Action": "execute-api:Invoke", "Resource": resource} for effect, resource in statements
        ],
    }


def allow_all(_event: dict[str, Any]) -> dict[str, Any]:
    return {"principalId": "ada", "policyDocument": policy(("Allow", f"{ARN}/*"))}


def answering(answer: Any) -> Callable[[dict[str, Any]], Any]:
    def authorize(_event: dict[str, Any]) -> Any:
        return answer

    return authorize


def client_with(
    aws: FakeAws, *, functions: tuple[str, ...] = ("back-end", "authorizer"), **authorizer: Any
) -> GatewayClient:
    scheme = {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "x-amazon-apigateway-authtype": "custom",
        "x-amazon-apigateway-authorizer": {
            "type": "token",
            "authorizerUri": invocation_uri("authorizer"),
            **authorizer,
        },
    }
    secured: dict[str, Any] = {"security": [{"token": []}]}
    return client_of(
        {
            "/orders": {"get": proxy(**secured), "post": proxy(**secured)},
            "/orders/{id}": {"get": proxy(**secured)},
            "/open": {"get": proxy()},
        },
        aws,
        extensions={"components": {"securitySchemes": {"token": scheme}}},
        functions=functions,
    )


def aws_with(authorizer: Any) -> FakeAws:
    return FakeAws(functions={"back-end": ok, "authorizer": authorizer})


def asked(aws: FakeAws) -> list[dict[str, Any]]:
    return [event for name, event in aws.invoked if name == "authorizer"]


def test_a_token_authorizer_gets_the_token_and_the_methods_arn() -> None:
    aws = aws_with(allow_all)

    assert client_with(aws).get("/orders/17", headers=TOKEN).status_code == 200

    assert asked(aws) == [{"type": "TOKEN", "authorizationToken": "Bearer good", "methodArn": f"{ARN}/GET/orders/17"}]


def test_the_authorizers_context_reaches_the_function_as_text() -> None:
    aws = aws_with(answering({**allow_all({}), "context": {"customerId": "c-1", "age": 7, "vip": True}}))
    client_with(aws).get("/orders", headers=TOKEN)

    context = aws.invoked[-1][1]["requestContext"]["authorizer"]
    assert isinstance(context.pop("integrationLatency"), int)
    assert context == {"customerId": "c-1", "age": "7", "vip": "true", "principalId": "ada"}


def test_an_operation_without_security_asks_nobody() -> None:
    aws = aws_with(allow_all)

    assert client_with(aws).get("/open").status_code == 200
    assert not asked(aws)


def test_a_request_without_a_token_is_unauthorized_and_asks_nobody() -> None:
    aws = aws_with(allow_all)

    response = client_with(aws).get("/orders")

    assert response.status_code == 401
    assert response.json() == {"message": "Unauthorized"}
    assert not asked(aws)


def test_a_token_that_does_not_fit_the_validation_expression_asks_nobody() -> None:
    aws = aws_with(allow_all)
    client = client_with(aws, identityValidationExpression="Bearer [a-z]+")

    assert client.get("/orders", headers={"Authorization": "Bearer good!"}).status_code == 401
    assert not asked(aws)
    assert client.get("/orders", headers=TOKEN).status_code == 200


def test_an_answer_is_kept_for_a_token_and_evaluated_for_each_method() -> None:
    aws = aws_with(answering({"principalId": "ada", "policyDocument": policy(("Allow", f"{ARN}/GET/*"))}))
    client = client_with(aws)

    statuses = [
        client.get("/orders", headers=TOKEN).status_code,
        client.get("/orders/1", headers=TOKEN).status_code,
        client.post("/orders", headers=TOKEN).status_code,
    ]

    assert statuses == [200, 200, 403]
    assert len(asked(aws)) == 1
    client.get("/orders", headers={"Authorization": "Bearer other"})
    assert len(asked(aws)) == 2


def test_an_answer_is_asked_for_again_when_its_time_is_over_or_nothing_is_kept() -> None:
    aws = aws_with(allow_all)
    client = client_with(aws, authorizerResultTtlInSeconds=0)

    client.get("/orders", headers=TOKEN)
    client.get("/orders", headers=TOKEN)

    assert len(asked(aws)) == 2


def test_unauthorized_is_what_the_function_raises_and_is_not_kept() -> None:
    aws = aws_with(answering(FunctionError("Unauthorized")))
    client = client_with(aws)

    assert client.get("/orders", headers=TOKEN).status_code == 401
    aws.functions["authorizer"] = allow_all
    assert client.get("/orders", headers=TOKEN).status_code == 200


@pytest.mark.parametrize(
    ("answer", "error_type"),
    [
        (FunctionError("no keys"), "AuthorizerConfigurationException"),
        ({"policyDocument": policy(("Allow", "*"))}, "AuthorizerConfigurationException"),
        ({"principalId": "ada", "policyDocument": {}}, "AuthorizerConfigurationException"),
        ({"principalId": "ada", "policyDocument": policy(("Perhaps", "*"))}, "AuthorizerConfigurationException"),
        ({**allow_all({}), "context": {"roles": ["a"]}}, "AuthorizerConfigurationException"),
        ("allow", "AuthorizerConfigurationException"),
    ],
)
def test_an_authorizer_that_fails_or_answers_nonsense_is_an_internal_error(answer: Any, error_type: str) -> None:
    aws = aws_with(answering(answer))
    client = client_with(aws)

    response = client.get("/orders", headers=TOKEN)

    assert response.status_code == 500
    assert response.json() == {"message": None}
    assert response.headers["x-amzn-errortype"] == error_type
    assert client.report.failures
    assert [name for name, _ in aws.invoked] == ["authorizer"]


def test_a_deny_and_silence_are_both_forbidden_with_aws_own_words() -> None:
    aws = aws_with(
        answering({"principalId": "ada", "policyDocument": policy(("Allow", "*"), ("Deny", f"{ARN}/POST/*"))})
    )
    client = client_with(aws)
    assert client.post("/orders", headers=TOKEN).json() == {
        "message": "User is not authorized to access this resource with an explicit deny"
    }

    aws.functions["authorizer"] = answering({"principalId": "ada", "policyDocument": policy(("Allow", f"{ARN}/PUT/*"))})
    response = client.get("/orders", headers={"Authorization": "Bearer other"})
    assert response.status_code == 403
    assert response.json() == {"message": "User is not authorized to access this resource"}


def test_a_request_authorizer_gets_the_request_and_is_kept_by_its_identity_sources() -> None:
    aws = aws_with(allow_all)
    client = client_with(
        aws,
        type="request",
        identitySource="method.request.header.Authorization, method.request.querystring.shop",
    )

    assert client.get("/orders?shop=a", headers=TOKEN).status_code == 200
    assert client.get("/orders?shop=b", headers=TOKEN).status_code == 200
    assert client.get("/orders?shop=b", headers=TOKEN).status_code == 200
    assert client.get("/orders", headers=TOKEN).status_code == 401

    assert [event["queryStringParameters"] for event in asked(aws)] == [{"shop": "a"}, {"shop": "b"}]
    assert asked(aws)[0]["type"] == "REQUEST"
    assert asked(aws)[0]["headers"]["authorization"] == "Bearer good"


def test_an_authorizer_without_a_permission_for_the_gateway_is_not_invoked() -> None:
    aws = aws_with(allow_all)

    assert client_with(aws, functions=("back-end",)).get("/orders", headers=TOKEN).status_code == 500
    assert not aws.invoked


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([("Allow", "*")], Decision.ALLOWED),
        ([("Allow", f"{ARN}/GET/orders/*")], Decision.ALLOWED),
        ([("Allow", f"{ARN}/GET/order?/1")], Decision.ALLOWED),
        ([("Allow", f"{ARN}/GET/orders")], Decision.DENIED),
        ([("Allow", f"{ARN}/POST/*")], Decision.DENIED),
        ([("Allow", ARN.replace("live", "test") + "/*")], Decision.DENIED),
        ([("Allow", "*"), ("Deny", f"{ARN}/*/orders/1")], Decision.EXPLICITLY_DENIED),
        ([], Decision.DENIED),
    ],
)
def test_policies_are_evaluated_as_iam_does(statements: list[tuple[str, str]], expected: Decision) -> None:
    assert evaluate(policy(*statements), f"{ARN}/GET/orders/1") is expected


def test_an_action_is_compared_without_case_and_must_be_invoke() -> None:
    def of(action: str) -> Decision:
        statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
        return evaluate({"Statement": statement}, f"{ARN}/GET/orders")

    assert of("Execute-API:invoke") is Decision.ALLOWED
    assert of("execute-api:*") is Decision.ALLOWED
    assert of("execute-api:ManageConnections") is Decision.DENIED


def test_a_negated_resource_matches_everything_else() -> None:
    statement = {"Effect": "Allow", "Action": ["execute-api:Invoke"], "NotResource": [f"{ARN}/POST/*"]}

    assert evaluate({"Statement": [statement]}, f"{ARN}/GET/orders") is Decision.ALLOWED
    assert evaluate({"Statement": [statement]}, f"{ARN}/POST/orders") is Decision.DENIED


def test_a_condition_is_refused_rather_than_ignored() -> None:
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"IpAddress": {}}}

    with pytest.raises(PolicyError, match="Condition"):
        evaluate({"Statement": [statement]}, ARN)
