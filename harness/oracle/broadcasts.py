"""What becomes of a message for each of its receivers: delivered, lost, duplicated or reordered. Pure, seeded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from harness.oracle.options import above_zero, count, milliseconds, number, share


class DeliveryFate(StrEnum):
    """What is done to one message for one receiver."""

    DELIVERED = "delivered"
    LOST = "lost"
    DUPLICATED = "duplicated"
    REORDERED = "reordered"


@dataclass(frozen=True, slots=True)
class Chat:
    """Shares of the deliveries (message × receiver) that go wrong, and of what the lessons are made."""

    lost: float = number("lost", 0.0, "Share of deliveries that never happen.")
    duplicated: float = number("duplicated", 0.0, "Share of deliveries that happen twice.")
    reordered: float = number("reordered", 0.0, "Share of deliveries that the receiver's next message overtakes.")
    hold_seconds: float = milliseconds("hold-ms", 0.500, "How long a delivery waits to be overtaken at most.")
    rooms: int = count("rooms", 1000, "Lessons that exist; each has a room.")

    def __post_init__(self) -> None:
        share(lost=self.lost, duplicated=self.duplicated, reordered=self.reordered)
        above_zero(hold_seconds=self.hold_seconds, rooms=self.rooms)
        if self.lost + self.duplicated + self.reordered > 1:
            raise ValueError("the shares of what goes wrong are more than the whole")

    def fate(self, random: Random) -> DeliveryFate:
        """Of one delivery, independently of all others."""
        drawn = random.random()
        for limit, fate in (
            (self.lost, DeliveryFate.LOST),
            (self.lost + self.duplicated, DeliveryFate.DUPLICATED),
            (self.lost + self.duplicated + self.reordered, DeliveryFate.REORDERED),
        ):
            if drawn < limit:
                return fate
        return DeliveryFate.DELIVERED


@dataclass(frozen=True, slots=True)
class Sending:
    """Send this message to that receiver now. fate: what its log says; None where the log has it already (a copy)."""

    receiver: str
    message: str
    fate: DeliveryFate | None


class Switchboard:
    """Decides what is sent to whom, and when. ``message`` stands for its content: a key."""

    def __init__(self, chat: Chat, random: Random) -> None:
        self._chat = chat
        self._random = random
        self._held: dict[str, str] = {}

    def broadcast(self, message: str, receivers: Iterable[str]) -> tuple[tuple[Sending, ...], tuple[str, ...]]:
        """What to send now, and for which receivers the message is held back until something overtakes it.

        What is lost is among the former's rows as a Sending with fate LOST, so that the log has it; nothing is sent.
        """
        sendings: list[Sending] = []
        held: list[str] = []
        for receiver in receivers:
            fate = self._chat.fate(self._random)
            if fate is DeliveryFate.REORDERED and receiver not in self._held:
                self._held[receiver] = message
                held.append(receiver)
                continue
            fate = DeliveryFate.DELIVERED if fate is DeliveryFate.REORDERED else fate
            sendings.append(Sending(receiver, message, fate))
            if fate is DeliveryFate.DUPLICATED:
                sendings.append(Sending(receiver, message, None))
            if fate is not DeliveryFate.LOST and receiver in self._held:
                sendings.append(Sending(receiver, self._held.pop(receiver), DeliveryFate.REORDERED))
        return tuple(sendings), tuple(held)

    def give_up(self, receiver: str, message: str) -> Sending | None:
        """The held message, when nothing has overtaken it in time: late, but in order."""
        if self._held.get(receiver) != message:
            return None
        del self._held[receiver]
        return Sending(receiver, message, DeliveryFate.DELIVERED)

    def forget(self, receiver: str) -> None:
        """The receiver is gone."""
        self._held.pop(receiver, None)
