"""Selling what everybody wants at once: a queue hands out tokens, so that no two orders write the same item.

A token is won by writing its item, in the transaction of the reservation. The queue only tells workers which numbers to
try: whatever it loses, repeats or delays, at most one order has each unit, and each unit is found again.
"""
