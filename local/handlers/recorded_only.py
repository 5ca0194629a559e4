"""The types of which nothing on a laptop depends, each with the reason; they are recorded and nothing more."""

from typing import Final

_NETWORK: Final = "processes of one machine need no network of their own"
_SCALING: Final = "a laptop runs one process a service"
_API_ACCOUNT: Final = "the gateway stand-in writes its access log itself"

RECORDED_ONLY: Final[dict[str, str]] = {
    "aws:ec2/vpc:Vpc": _NETWORK,
    "aws:ec2/subnet:Subnet": _NETWORK,
    "aws:ec2/routeTable:RouteTable": _NETWORK,
    "aws:ec2/routeTableAssociation:RouteTableAssociation": _NETWORK,
    "aws:ec2/route:Route": _NETWORK,
    "aws:ec2/internetGateway:InternetGateway": _NETWORK,
    "aws:ec2/natGateway:NatGateway": _NETWORK,
    "aws:ec2/eip:Eip": _NETWORK,
    "aws:ec2/vpcEndpoint:VpcEndpoint": _NETWORK,
    "aws:ec2/securityGroup:SecurityGroup": _NETWORK,
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": _NETWORK,
    "aws:ec2/flowLog:FlowLog": "there is no network traffic to log",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _NETWORK,
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _NETWORK,
    "aws:appautoscaling/target:Target": _SCALING,
    "aws:appautoscaling/policy:Policy": _SCALING,
    "aws:apigateway/account:Account": _API_ACCOUNT,
    "aws:s3/bucketMetric:BucketMetric": "the embedded AWS has no request metrics",
    "aws:iam/serviceLinkedRole:ServiceLinkedRole": "the embedded AWS's services need no role",
    "aws:ecr/repository:Repository": "no image is built, so none is stored",
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": "no image is built, so none is stored",
}
