"""Deposit to a wallet: in the customer's home at once, elsewhere handed over to the home."""

from __future__ import annotations

from workloads.checkout.application.changes import AddDeposit, AddDepositHandover, ChangeWallet
from workloads.checkout.application.deciding import decide
from workloads.checkout.application.outbox_entries import Cause, handover_entry, wallet_entry
from workloads.checkout.application.ports import DepositRecord, Ports
from workloads.checkout.application.recording import keep, record_of
from workloads.checkout.application.results import Deposited, HandedOver
from workloads.checkout.domain.handover import hand_over
from workloads.checkout.domain.refusal import Refusal, RefusalKind
from workloads.checkout.domain.wallet import credited, deposit, deposit_fingerprint
from workloads.contracts.clock import timestamp
from workloads.contracts.commands import DepositToWallet
from workloads.contracts.identifiers import deposit_id


def deposit_to_wallet(ports: Ports, command: DepositToWallet, cause: Cause) -> Deposited | HandedOver | Refusal:
    """Add the money once for the key, however often it is asked for."""
    return decide(ports, lambda: _deposit(ports, command, cause))


def _deposit(ports: Ports, command: DepositToWallet, cause: Cause) -> Deposited | HandedOver | Refusal:
    record = ports.store.deposit(command.customer_id, deposit_id(command.customer_id, command.idempotency_key))
    result = _known(ports, record, deposit_fingerprint(command)) or _deposit_anew(ports, command, cause)
    keep(ports, cause, result)
    return result


def _deposit_anew(ports: Ports, command: DepositToWallet, cause: Cause) -> Deposited | HandedOver | Refusal:
    account = ports.store.account(command.customer_id)
    if account.home.region not in ports.regions:
        return Refusal(RefusalKind.UNKNOWN_CUSTOMER, f"{command.customer_id} is at home in no Region of this system")
    now = timestamp(ports.clock.now())
    if account.home.region != ports.region:
        handover = hand_over(
            deposit_id(command.customer_id, command.idempotency_key),
            customer_id=command.customer_id,
            request_hash=deposit_fingerprint(command),
            region=ports.region,
            home_region=account.home.region,
            now=now,
        )
        result = HandedOver(handover)
        ports.store.commit(
            [AddDepositHandover(handover), *record_of(ports, cause, result)],
            [handover_entry(ports, handover, command, cause)],
        )
        return result
    decided = deposit(account.wallet, command, home=account.home, now=now, acceptance=cause.acceptance)
    if isinstance(decided, Refusal):
        return decided
    wallet, entry = decided
    event = credited(wallet, entry)
    ports.store.commit(
        [ChangeWallet(wallet), AddDeposit(entry), *record_of(ports, cause, Deposited(entry))],
        [wallet_entry(ports, event, correlation_id=cause.correlation_id, causation_id=cause.id)],
    )
    return Deposited(entry)


def _known(ports: Ports, record: DepositRecord, request_hash: str) -> Deposited | HandedOver | Refusal | None:
    """Return what the key already stands for, here or in the replicated ledger of the home."""
    handover = next((handover for handover in record.handovers if handover.region == ports.region), None)
    if record.deposit is not None and record.deposit.request_hash == request_hash:
        return Deposited(record.deposit, handover)
    if handover is not None and handover.request_hash == request_hash:
        end = ports.store.command(handover.command_id)
        return HandedOver(handover, end.refusal if end else None)
    if record.deposit is not None or handover is not None:
        return Refusal(
            RefusalKind.KEY_REUSED, "this Idempotency-Key was used for another deposit: a new deposit needs a new key"
        )
    return None
