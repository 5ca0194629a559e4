"""Customers who call an order off, in time or not, and the operators who then take the purchase back."""

from local.demo.clients import HandedOverDocument, OrderDocument
from local.demo.following import read_command, state_of
from local.demo.plan import ChangeOfMind
from local.demo.records import REFUNDED, OrderRecord, Session
from local.demo.waiting import Deadline, read_until


async def cancel(record: OrderRecord, session: Session) -> None:
    """Call the order off, as its customer."""
    order = record.order
    for location in sorted(record.locations)[:1]:
        token = session.customers[order.customer_id]
        record.cancellation = await session.apis[order.changed_in].cancel_order(token, location=location)


async def follow_change_of_mind(record: OrderRecord, session: Session, deadline: Deadline) -> None:
    """Follow the cancellation to its end; where it comes too late, have the purchase refunded."""
    match record.order.change_of_mind:
        case ChangeOfMind.AT_ONCE:
            await _follow_cancellation(record, session, deadline)
        case ChangeOfMind.TOO_LATE if record.completed:
            await cancel(record, session)
            await _refund(record, session, deadline)
        case _:
            pass


async def _follow_cancellation(record: OrderRecord, session: Session, deadline: Deadline) -> None:
    """Another Region than the home answers with a command, and learns of its end later."""
    order, answer = record.order, record.cancellation
    if answer is None or answer.status != 202 or order.changed_in == order.home:
        return
    command_id = answer.read(HandedOverDocument, 202).command_id
    if command_id is not None:
        api, token = session.apis[order.changed_in], session.customers[order.customer_id]
        command = await read_command(f"/v1/commands/{command_id}", api, token, deadline)
        record.cancellation_outcome = command.outcome


async def _refund(record: OrderRecord, session: Session, deadline: Deadline) -> None:
    """Ask for the money back, and again when it is there: nothing may come of that."""
    order = record.order
    home, operator = session.apis[order.home], session.operators[order.changed_in]
    for location in sorted(record.locations)[:1]:
        answer = await session.apis[order.changed_in].refund_order(operator, location=location)
        record.refunds.append(answer)
        seen = await read_until(
            home,
            "read an order",
            location,
            operator,
            accepted=lambda reply: state_of(reply) == REFUNDED,
            deadline=deadline,
        )
        record.seen[order.home] = seen.read(OrderDocument, 200)
        record.refunds.append(await home.refund_order(operator, location=location))
