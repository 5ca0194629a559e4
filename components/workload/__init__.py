"""What runs a bounded context's image: a function with its triggers, or a service."""

from components.workload.function import WorkloadFunction, WorkloadFunctionArgs
from components.workload.schedules import ScheduleTrigger
from components.workload.service import WorkloadService, WorkloadServiceArgs
from components.workload.triggers import QueueTrigger, StreamTrigger

__all__ = [
    "QueueTrigger",
    "ScheduleTrigger",
    "StreamTrigger",
    "WorkloadFunction",
    "WorkloadFunctionArgs",
    "WorkloadService",
    "WorkloadServiceArgs",
]
