"""The pack as the engine runs it: a process of its own, asked over gRPC."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Final

import grpc
import pytest
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from local.program import ROOT
from local.recording import RecordedResource
from policies import tokens
from policies.rules import RULES
from tests.policies.asking import PROGRAM, UNKNOWN, as_sent, urn
from tests.policies.conftest import Stacks
from tests.policies.planted_defects import PLANTED

MANDATORY: Final = analyzer_pb2.EnforcementLevel.MANDATORY
ADVISORY: Final = analyzer_pb2.EnforcementLevel.ADVISORY
LARGEST_MESSAGE: Final = [("grpc.max_receive_message_length", 64 * 2**20), ("grpc.max_send_message_length", 64 * 2**20)]


@pytest.fixture(scope="module")
def analyzer() -> Iterator[analyzer_pb2_grpc.AnalyzerStub]:
    """Start the pack as the engine does, configured as for this program."""
    command = [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", str(ROOT / "policies")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT / "policies") as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            with grpc.insecure_channel(f"127.0.0.1:{port}", options=LARGEST_MESSAGE) as channel:
                stub = analyzer_pb2_grpc.AnalyzerStub(channel)
                _configure(stub)
                yield stub
        finally:
            process.kill()


def test_it_tells_the_engine_its_rules_with_their_levels_and_configuration(
    analyzer: analyzer_pb2_grpc.AnalyzerStub,
) -> None:
    info = analyzer.GetAnalyzerInfo(empty_pb2.Empty())

    assert [policy.name for policy in info.policies] == [rule.name for rule in RULES]
    assert info.supportsConfig
    # The engine takes the level of the configuration, where there is one, for the rule's.
    assert {policy.name: policy.enforcementLevel for policy in info.policies} == {
        name: config.enforcementLevel for name, config in info.initialConfig.items()
    }
    regions = json_format.MessageToDict(info.initialConfig["regions-are-allowed"].properties)
    assert regions == {"regions": ["us-east-1", "eu-west-1"]}
    retention = next(policy for policy in info.policies if policy.name == "log-groups-have-a-retention")
    assert retention.enforcementLevel == analyzer_pb2.EnforcementLevel.REMEDIATE
    assert retention.severity == analyzer_pb2.PolicySeverity.POLICY_SEVERITY_MEDIUM
    assert {"days", "leastDays", "mostDays", "exemptions"} <= set(retention.configSchema.properties.keys())


def test_it_finds_nothing_in_the_program(analyzer: analyzer_pb2_grpc.AnalyzerStub, stacks: Stacks) -> None:
    for resources in (stacks["global"], stacks["us-east-1"]):
        # One of each type here; every resource is asked about without the process.
        for one in {one.type: one for one in resources}.values():
            assert list(analyzer.Analyze(_request(one)).diagnostics) == []
        assert list(analyzer.AnalyzeStack(_stack(resources)).diagnostics) == []


def test_a_planted_defect_stops_the_deployment(analyzer: analyzer_pb2_grpc.AnalyzerStub, stacks: Stacks) -> None:
    planted = PLANTED["queues-have-dead-letters"][0].plant(stacks["us-east-1"])
    broken = next(one for one in planted if one not in stacks["us-east-1"])

    (found,) = analyzer.Analyze(_request(broken)).diagnostics

    assert (found.policyName, found.enforcementLevel) == ("queues-have-dead-letters", MANDATORY)
    assert found.message.endswith("redrivePolicy is not set")


def test_a_planted_defect_in_the_graph_stops_the_deployment(
    analyzer: analyzer_pb2_grpc.AnalyzerStub, stacks: Stacks
) -> None:
    planted = PLANTED["networks-have-flow-logs"][0].plant(stacks["us-east-1"])
    vpc = next(one for one in planted if one.type == tokens.VPC)

    (found,) = analyzer.AnalyzeStack(_stack(planted)).diagnostics

    assert (found.policyName, found.urn, found.enforcementLevel) == ("networks-have-flow-logs", vpc.urn, MANDATORY)


def test_what_is_unknown_in_preview_is_advice(analyzer: analyzer_pb2_grpc.AnalyzerStub) -> None:
    policy = {"role": UNKNOWN, "policy": UNKNOWN, "name": "workload"}

    diagnostics = analyzer.Analyze(_request(_constructed(tokens.ROLE_POLICY, policy))).diagnostics

    assert {found.policyName for found in diagnostics} >= {"actions-are-named", "resources-are-named"}
    assert {found.enforcementLevel for found in diagnostics} == {ADVISORY}


def test_it_mends_tags_and_retention_and_keeps_what_is_secret_or_unknown(
    analyzer: analyzer_pb2_grpc.AnalyzerStub,
) -> None:
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": "/aws/lambda/meridian-x"}
    group = {"name": secret, "kmsKeyId": UNKNOWN, "region": "us-east-1"}

    remediations = analyzer.Remediate(_request(_constructed(tokens.LOG_GROUP, group))).remediations

    assert [remediation.policyName for remediation in remediations] == ["log-groups-have-a-retention", "tags-are-set"]
    mended = json_format.MessageToDict(remediations[-1].properties)
    assert mended["retentionInDays"] == 30
    assert mended["tags"]["Stack"] == "us-east-1"
    assert (mended["name"], mended["kmsKeyId"], mended["region"]) == (secret, UNKNOWN, "us-east-1")
    assert list(analyzer.Analyze(_request(_constructed(tokens.LOG_GROUP, mended))).diagnostics) == []


def _configure(stub: analyzer_pb2_grpc.AnalyzerStub) -> None:
    """Configure as the engine does: the stack's configuration, then what the pack makes of it, levels included."""
    stub.ConfigureStack(analyzer_pb2.AnalyzerStackConfigureRequest(stack="us-east-1", config=PROGRAM))
    info = stub.GetAnalyzerInfo(empty_pb2.Empty())
    stub.Configure(analyzer_pb2.ConfigureAnalyzerRequest(policyConfig=info.initialConfig))


def _constructed(type_: str, properties: dict[str, Any]) -> RecordedResource:
    return RecordedResource(urn=urn(type_), type=type_, name="thing", custom=True, stack="us-east-1", inputs=properties)


def _request(one: RecordedResource) -> analyzer_pb2.AnalyzeRequest:
    options = analyzer_pb2.AnalyzerResourceOptions(protect=one.protect)
    return analyzer_pb2.AnalyzeRequest(
        type=one.type, urn=one.urn, name=one.name, properties=_struct(one.inputs), options=options
    )


def _stack(resources: Sequence[RecordedResource]) -> analyzer_pb2.AnalyzeStackRequest:
    return analyzer_pb2.AnalyzeStackRequest(
        resources=[
            analyzer_pb2.AnalyzerResource(
                type=one.type,
                urn=one.urn,
                name=one.name,
                properties=_struct({**one.inputs, **one.outputs}),
                options=analyzer_pb2.AnalyzerResourceOptions(protect=one.protect),
                parent=one.parent,
                dependencies=one.dependencies,
                propertyDependencies={
                    name: analyzer_pb2.AnalyzerPropertyDependencies(urns=urns)
                    for name, urns in one.property_dependencies.items()
                },
            )
            for one in resources
        ]
    )


def _struct(properties: Any) -> struct_pb2.Struct:
    return json_format.ParseDict(as_sent(properties), struct_pb2.Struct())
