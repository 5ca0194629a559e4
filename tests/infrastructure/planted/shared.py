"""Defects that tests of data, ownership, Regions, images, permissions and configuration must fail at."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, Final

from pulumi.output import Unknown

from tests.infrastructure.planted.planting import (
    AnyDefect,
    DeployedDefect,
    ExportDefect,
    always,
    ignoring,
    instead,
    marked,
    missing,
    recording,
)
from tests.policies.planting import (
    CELL,
    GLOBAL,
    OTHER,
    Defect,
    allowing,
    gone,
    having,
    new,
    saying,
    unprotected,
    without,
)

TABLE, BUCKET, KEY, QUEUE = (
    "aws:dynamodb/table:Table",
    "aws:s3/bucket:Bucket",
    "aws:kms/key:Key",
    "aws:sqs/queue:Queue",
)
REPOSITORY, POOL, IMAGE = "aws:ecr/repository:Repository", "aws:cognito/userPool:UserPool", "docker-build:index:Image"
ROLE, ROLE_POLICY, FUNCTION = "aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy", "aws:lambda/function:Function"
LINKED, REFERENCE = "aws:iam/serviceLinkedRole:ServiceLinkedRole", "pulumi:pulumi:StackReference"
RULE, CLIENT = "aws:cloudwatch/eventRule:EventRule", "aws:cognito/userPoolClient:UserPoolClient"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
ACCESS_BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
_DIGEST: Final = "sha256:" + "1" * 64
_SERVICE: Final[Mapping[str, Any]] = {"Principal": {"Service": "events.amazonaws.com"}}
_ANYBODY: Final[Mapping[str, Any]] = {"Principal": {"AWS": "arn:aws:iam::999999999999:root"}, "Resource": "*"}
# Literally the same in both cells, and yet no cell's own.
_QUEUE_OF_ANOTHER_REGION: Final = having(
    FUNCTION,
    "environment.variables.SAGA_START_QUEUE_URL",
    f"https://sqs.{CELL}.amazonaws.com/123456789012/meridian-checkout-saga-start",
    stack=OTHER,
    named="checkout-outbox",
)

Outputs = dict[str, Any]


def _exports(what: str, change: Callable[[Outputs], Any]) -> ExportDefect:
    return ExportDefect(what=f"global exports {what}", stack=GLOBAL, change=change)


def _first_only(sources: Callable[[Any], Iterable[Any]]) -> Callable[[Any], list[Any]]:
    return lambda context: list(sources(context))[:1]


def _of_another_stack(build: Callable[..., Any]) -> Callable[..., Any]:
    def built(*, stack: str, **given: Any) -> Any:
        return build(stack=OTHER if stack == CELL else stack, **given)

    return built


def _unchanged(outputs: Outputs, *_path: str) -> Outputs:
    return outputs


def _without_region(policy: Any) -> Any:
    statement = {"Sid": "Planted", "Effect": "Allow", "Action": ["sqs:SendMessage"]}
    return {**policy, "Statement": [*policy["Statement"], {**statement, "Resource": f"arn:aws:sqs:{OTHER}:1:q"}]}


PLANTED: Final[Mapping[str, Sequence[AnyDefect]]] = {
    "test_data_protection::test_what_holds_data_is_protected": [unprotected(BUCKET)],
    "test_data_protection::test_aws_itself_refuses_to_delete_tables_and_user_pools": [
        having(TABLE, "replicas.0.deletionProtectionEnabled", value=False, stack=GLOBAL),
        having(POOL, "deletionProtection", "INACTIVE", stack=GLOBAL),
    ],
    "test_data_protection::test_an_ephemeral_environment_can_be_destroyed": [
        recording(having(BUCKET, "forceDestroy", value=False)),
    ],
    "test_data_protection::test_every_table_and_replica_can_be_restored_to_a_point_in_time": [
        having(TABLE, "replicas.0.pointInTimeRecovery", value=False, stack=GLOBAL),
        having(TABLE, "pointInTimeRecovery.enabled", value=False),
    ],
    "test_data_protection::test_replicated_tables_stream_both_images_and_tag_their_replicas": [
        having(TABLE, "streamViewType", "KEYS_ONLY", stack=GLOBAL),
    ],
    "test_data_protection::test_tables_have_the_indexes_on_which_the_workloads_are_tested": [
        having(TABLE, "globalSecondaryIndexes.1.keySchemas.1.attributeName", "made_at", stack=GLOBAL, named="checkout"),
        without(TABLE, "globalSecondaryIndexes", stack=GLOBAL, named="checkout"),
    ],
    "test_data_protection::test_only_the_outbox_forgets": [
        having(TABLE, "ttl", {"enabled": True, "attributeName": "expires_at"}, stack=GLOBAL, named="loyalty-events"),
    ],
    "test_data_protection::test_tables_are_encrypted_with_a_key_of_each_replicas_region": [
        having(TABLE, "replicas.0.kmsKeyArn", f"arn:aws:kms:{CELL}:123456789012:key/1", stack=GLOBAL),
    ],
    "test_data_protection::test_what_carries_data_is_encrypted_with_a_key_of_its_cell": [
        without("aws:sns/topic:Topic", "kmsMasterKeyId"),
        having(QUEUE, "kmsMasterKeyId", "alias/aws/sqs"),
    ],
    "test_data_protection::test_repositories_are_encrypted_with_their_regions_key": [
        having(REPOSITORY, "encryptionConfigurations.0.encryptionType", "AES256", stack=GLOBAL),
    ],
    "test_data_protection::test_keys_rotate_and_stay_in_their_region": [
        having(KEY, "multiRegion", value=True),
        having(KEY, "enableKeyRotation", value=False, stack=GLOBAL),
    ],
    "test_data_protection::test_the_bucket_is_private_versioned_and_encrypted_and_forgets": [
        having(ACCESS_BLOCK, "ignorePublicAcls", value=False),
        having(LIFECYCLE, "rules.0.expiration.days", 36500),
        gone("aws:s3/bucketPolicy:BucketPolicy"),
    ],
    "test_data_protection::test_every_log_group_ends_its_logs": [
        without("aws:cloudwatch/logGroup:LogGroup", "retentionInDays"),
    ],
    "test_data_protection::test_everything_that_can_be_tagged_says_whose_it_is": [
        without(QUEUE, "tags.Component"),
        having(TABLE, "tags.Stack", "elsewhere", stack=GLOBAL),
    ],
    "test_images::test_every_context_is_built_once_and_pushed_to_every_region": [
        missing(IMAGE, "checkout", stack=GLOBAL),
        having(IMAGE, "push", value=False, stack=GLOBAL),
    ],
    "test_images::test_an_image_has_one_platform_and_no_attestations": [
        having(IMAGE, "exec", value=True, stack=GLOBAL),
    ],
    "test_images::test_the_architecture_is_a_setting": [
        recording(having(IMAGE, "platforms", ["linux/arm64"], stack=GLOBAL)),
    ],
    "test_images::test_a_context_has_the_same_digest_in_every_region": [
        _exports(
            "another image in one Region",
            lambda outputs: outputs["images"]["checkout"].update(
                {OTHER: f"{outputs['images']['checkout'][OTHER].split('@')[0]}@{_DIGEST}"}
            ),
        ),
    ],
    "test_images::test_images_that_a_pipeline_has_built_are_not_built_again": [
        recording(new(IMAGE, GLOBAL, tags=[])),
    ],
    "test_images::test_repositories_refuse_to_change_a_tag_and_scan_what_comes": [
        having(REPOSITORY, "imageTagMutability", "MUTABLE", stack=GLOBAL),
        gone("aws:ecr/lifecyclePolicy:LifecyclePolicy", stack=GLOBAL),
    ],
    "test_images::test_cells_deploy_by_digest": [having(FUNCTION, "imageUri", "registry/meridian/checkout:latest")],
    "test_images::test_no_absolute_path_gets_into_the_state": [
        instead("an image with a path of this machine", "ROOT", lambda _: "meridian"),
    ],
    "test_images::test_the_tag_covers_everything_that_the_dockerfile_copies": [
        instead("a tag that leaves the contracts out", "sources", _first_only),
    ],
    "test_images::test_the_tag_follows_the_sources": [
        instead("a tag that never changes", "digest_of_sources", lambda _: always("same")),
    ],
    "test_least_privilege::test_roles_are_permitted_named_actions_only": [
        allowing(ROLE_POLICY, {"Action": "dynamodb:*", "Resource": "arn:aws:dynamodb:us-east-1:1:table/t"}, "on all"),
    ],
    "test_least_privilege::test_roles_are_permitted_named_resources_only": [
        allowing(ROLE_POLICY, {"Action": "dynamodb:GetItem", "Resource": "*"}, "anywhere"),
    ],
    "test_least_privilege::test_roles_reach_into_their_own_region_only_but_to_the_buses": [
        saying(ROLE_POLICY, "policy", _without_region, "into another Region"),
    ],
    "test_least_privilege::test_roles_are_taken_on_by_one_service_for_this_account": [
        allowing(ROLE, {"Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}, "of all", path="assumeRolePolicy"),
        allowing(ROLE, {**_SERVICE, "Action": "sts:AssumeRole"}, "of any account", path="assumeRolePolicy"),
    ],
    "test_least_privilege::test_roles_have_policies_of_their_own": [
        new("aws:iam/rolePolicyAttachment:RolePolicyAttachment", policyArn="arn:aws:iam::aws:policy/PowerUserAccess"),
    ],
    "test_least_privilege::test_key_policies_name_the_account_and_services_never_a_role": [
        allowing(KEY, {**_ANYBODY, "Action": "kms:Decrypt"}, "for another account"),
    ],
    "test_least_privilege::test_the_accounts_principals_use_keys_through_services_only": [
        allowing(
            KEY,
            {"Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "kms:Decrypt", "Resource": "*"},
            "directly",
        ),
    ],
    "test_least_privilege::test_services_use_keys_for_this_account_only": [
        allowing(KEY, {**_SERVICE, "Action": "kms:Decrypt", "Resource": "*"}, "for a service of any account"),
    ],
    "test_least_privilege::test_resource_policies_admit_nobody_unknown": [
        allowing(QUEUE, {**_ANYBODY, "Principal": "*", "Action": "sqs:SendMessage"}, "for everyone"),
        allowing(QUEUE, {**_SERVICE, "Action": "sqs:SendMessage", "Resource": "*"}, "for any account's events"),
    ],
    "test_least_privilege::test_queues_and_buckets_refuse_plain_connections": [without(QUEUE, "policy")],
    "test_least_privilege::test_a_queue_takes_events_from_its_own_rule_only": [
        missing("aws:cloudwatch/eventTarget:EventTarget", "loyalty-purchases"),
    ],
    "test_least_privilege::test_nothing_is_open_to_the_internet": [
        new("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", cidrIpv4="0.0.0.0/0"),
    ],
    "test_ownership::test_the_global_stack_holds_only_what_replicates_or_exists_once": [new(QUEUE, GLOBAL)],
    "test_ownership::test_a_cell_holds_nothing_that_the_global_stack_owns": [
        new(REPOSITORY),
        having(TABLE, "replicas", [{"regionName": OTHER}]),
    ],
    "test_ownership::test_a_table_and_its_replicas_have_one_owner_in_the_first_region": [
        new("aws:dynamodb/tableReplica:TableReplica", GLOBAL),
        having(TABLE, "replicas", [], stack=GLOBAL),
    ],
    "test_ownership::test_the_global_stack_needs_no_cell": [new(REFERENCE, GLOBAL)],
    "test_ownership::test_a_cell_reads_the_global_stack_and_no_other": [
        marked(REFERENCE, "to a cell", id=f"organization/meridian/{OTHER}"),
    ],
    "test_ownership::test_everything_belongs_to_a_component": [
        marked(QUEUE, "of nobody", parent="urn:pulumi:us-east-1::meridian::pulumi:pulumi:Stack::meridian-us-east-1"),
    ],
    "test_ownership::test_components_carry_the_types_of_this_project": [
        marked("meridian:data:GlobalData", "of another project", stack=GLOBAL, type="other:data:GlobalData"),
    ],
    "test_ownership::test_the_global_outputs_name_every_region": [
        _exports("no key of a Region", lambda outputs: outputs["data_key_arns"].pop(OTHER)),
        _exports(
            "a replica of another Region",
            lambda outputs: outputs["tables"]["checkout"]["arns"].update(
                {OTHER: outputs["tables"]["checkout"]["arns"][CELL]}
            ),
        ),
    ],
    "test_ownership::test_deterministic_arns_are_those_that_aws_answers": [
        having(TABLE, "arn", "arn:aws:dynamodb:us-east-1:123456789012:table/other", stack=GLOBAL),
    ],
    "test_ownership::test_no_output_holds_a_secret": [
        _exports("a password", lambda outputs: outputs.update(database_password="hunter2")),
    ],
    "test_ownership::test_the_role_that_the_first_ecs_service_needs_stays_when_the_stack_goes": [
        marked(LINKED, "that goes with the stack", stack=GLOBAL, retain_on_delete=False),
    ],
    "test_regions::test_every_regional_resource_of_a_cell_names_the_cells_region": [without(QUEUE, "region")],
    "test_regions::test_every_regional_resource_of_the_global_stack_names_one_of_the_regions": [
        having(KEY, "region", "ap-south-1", stack=GLOBAL),
    ],
    "test_regions::test_names_that_iam_shares_among_regions_end_with_the_region": [
        having(ROLE, "name", "meridian-checkout-api"),
    ],
    "test_regions::test_two_cells_are_equal_but_for_their_region": [
        having(QUEUE, "visibilityTimeoutSeconds", 7),
        missing(RULE, "loyalty-purchases"),
        marked(BUCKET, "unprotected in one cell", protect=False),
        _QUEUE_OF_ANOTHER_REGION,
    ],
    "test_regions::test_three_cells_are_equal_but_for_their_region": [
        having(FUNCTION, "memorySize", 128),
        _QUEUE_OF_ANOTHER_REGION,
    ],
    "test_regions::test_a_third_region_is_a_file_and_an_entry_in_the_list": [
        _exports("no image of a Region", lambda outputs: outputs["images"]["checkout"].pop("ap-northeast-1", None)),
    ],
    "test_regions::test_a_third_region_gets_a_replica_of_every_table": [having(TABLE, "replicas", [], stack=GLOBAL)],
    "test_regions::test_a_third_region_is_forwarded_to_by_the_others": [missing(RULE, "forward-to-ap-northeast-1")],
    "test_regions::test_a_preview_declares_the_same_resources": [
        DeployedDefect(what="a Queue that no preview shows", stack=CELL, defect=new(QUEUE)),
    ],
    "test_regions::test_a_preview_of_a_third_region_declares_the_same_resources": [
        DeployedDefect(what="a Queue that no preview of a third Region shows", stack=CELL, defect=new(QUEUE)),
    ],
    "test_replacements::test_every_type_with_a_name_of_our_own_says_what_its_replacement_interrupts": [
        new("aws:kinesis/stream:Stream", CELL, name="meridian-planted"),
    ],
    "test_replacements::test_the_table_speaks_of_no_type_that_is_gone": [
        Defect(what="no resource at all", stack=GLOBAL, plant=lambda _: []),
    ],
    "test_safety::test_a_preview_of_an_empty_account_knows_every_name": [new(QUEUE, CELL, name=Unknown())],
    "test_safety::test_no_output_is_a_secret_in_the_clear": [
        _exports("a secret", lambda outputs: outputs.update(client_secret="hunter2")),
    ],
    "test_replacements::test_the_page_is_up_to_date": [instead("a page of before", "page", lambda _: always(""))],
    "test_regions::test_cells_that_differ_are_found_out": [
        instead("a comparison that finds nothing", "compare", lambda _: always(list[str]())),
    ],
    "test_safety::test_whatever_holds_data_is_known_here_as_it_is_to_the_policy_pack": [
        new("aws:rds/cluster:Cluster", CELL),
    ],
    "test_safety::test_a_new_type_that_holds_data_is_found": [
        instead("a look at types that finds nothing", "held_without_a_word", lambda _: always(set[str]())),
    ],
    "test_safety::test_a_name_that_a_preview_does_not_know_is_found": [
        instead("a look at names that finds nothing", "unknown_names", lambda _: always(list[str]())),
    ],
    "test_safety::test_a_secret_among_the_outputs_is_found": [
        instead("a look at outputs that finds nothing", "plain_secrets", lambda _: always(list[str]())),
    ],
    "test_settings::test_a_bad_value_is_refused_by_key_value_rule_and_file": [
        ignoring("build_settings", "settings that take any value"),
    ],
    "test_settings::test_a_bad_size_is_refused_by_its_path": [
        ignoring("build_settings", "settings that take any size"),
    ],
    "test_settings::test_a_cell_can_be_set_to_what_the_simulation_of_its_busiest_day_asks_for": [
        ignoring("build_settings", "settings that take no more than the default quotas"),
    ],
    "test_settings::test_a_missing_value_is_named": [ignoring("build_settings", "settings that miss nothing")],
    "test_settings::test_the_global_stack_refuses_a_key_that_is_not_its_own": [
        ignoring("build_settings", "settings that take any key"),
    ],
    "test_settings::test_an_unknown_key_of_all_stacks_is_found_in_the_shared_file": [
        ignoring("build_settings", "settings that do not read the shared file"),
    ],
    "test_settings::test_what_holds_for_all_stacks_is_refused_in_the_file_of_one": [
        ignoring("build_settings", "settings that take any file's word"),
    ],
    "test_settings::test_an_image_is_named_by_a_known_context_and_a_digest": [
        ignoring("build_settings", "settings that take a tag for a digest"),
    ],
    "test_settings::test_a_block_may_overlap_with_no_other_cell_even_one_that_is_not_in_the_list_yet": [
        ignoring("build_settings", "settings that compare no blocks"),
    ],
    "test_settings::test_bad_configuration_stops_the_program_before_any_resource": [
        ignoring("evaluate", "a program that goes on with a bad block"),
    ],
    "test_settings::test_a_stack_outside_the_list_of_regions_is_refused": [
        ignoring("evaluate", "a program that deploys any Region"),
    ],
    "test_settings::test_the_third_entry_of_the_list_needs_its_file": [
        ignoring("add_region", "a list that is not extended"),
    ],
    "test_settings::test_a_cell_knows_its_region_and_what_is_its_own": [
        instead("settings of another stack", "build_settings", _of_another_stack),
    ],
    "test_settings::test_the_global_stack_has_no_region": [ignoring("build_settings", "no settings of global")],
    "test_settings::test_settings_can_not_be_changed": [
        instead("settings that can be changed", "build_settings", lambda _: always(SimpleNamespace())),
    ],
    "test_stack_references::test_a_deployment_refuses_a_global_stack_that_is_behind": [
        instead("a reference that asks for less", "without", lambda _: _unchanged),
    ],
    "test_stack_references::test_a_preview_shows_what_global_is_only_about_to_have_as_unknown": [
        missing(FUNCTION, "checkout-api"),
    ],
    "test_controls::test_every_type_of_the_program_has_an_entry_and_no_other": [
        new("aws:kinesis/stream:Stream"),
    ],
}
