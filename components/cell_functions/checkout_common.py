"""What several functions of checkout are told, and what several may do."""

from collections.abc import Sequence

import pulumi

from components.cell_functions.rows import Surroundings
from components.naming import Queue, Table
from components.policy_documents import Statement
from components.workload.permissions import appends_items, reads_items, sends_messages, trades_tokens, writes_items


class CheckoutCommon:
    """Parts of rows: environments and statements."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self.queues = around.data.queues
        self.table = around.shared.table(Table.CHECKOUT)
        self.outbox = around.shared.table(Table.CHECKOUT_OUTBOX)
        self.limits = around.settings.cell.sizes.orders
        self.tables = {
            "CHECKOUT_TABLE": self.table.name,
            "CHECKOUT_OUTBOX_TABLE": self.outbox.name,
            "MERIDIAN_REGIONS": around.regions,
        }

        token_queues = around.data.token_queues
        self.hot_items = {
            "HOT_ITEM_QUEUE_URLS": pulumi.Output.all(*(queue.url for queue in token_queues)).apply(",".join),
            "HOT_ITEM_CARE_QUEUE_URL": self.queues[Queue.CHECKOUT_HOT_ITEMS].url,
        }
        self.trades = trades_tokens([queue.arn for queue in token_queues])
        self.asks_for_care = sends_messages(self.queues[Queue.CHECKOUT_HOT_ITEMS].arn)

        self.admits = {
            "SAGA_START_QUEUE_URL": self.queues[Queue.CHECKOUT_SAGA_START].url,
            "ORDER_BURST": str(self.limits.burst),
            "ORDERS_PER_MINUTE": str(self.limits.per_minute),
            "SAGA_STARTS_PER_SECOND": str(self.limits.saga_starts_per_second),
            "LONGEST_SAGA_WAIT": str(self.limits.longest_saga_wait),
        }
        self.holds = {**self.tables, **self.hot_items, "RESERVATION_MINUTES": str(self.limits.reservation_minutes)}

    def decides(self, writes: Sequence[str], *, reads: Sequence[str] = ()) -> Sequence[Statement]:
        """Let a function change items under these keys, each change in one transaction with its outbox entry."""
        return (
            reads_items("ReadItems", self.table.arn, leading_keys=(*writes, *reads)),
            writes_items("WriteItems", self.table.arn, leading_keys=writes),
            appends_items("AppendToTheOutbox", self.outbox.arn),
            self._around.uses_the_tables_key(),
        )
