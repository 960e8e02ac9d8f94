"""Topics: which request one is, who sent it, and where its answer may go.

    <model>/actions/<feature>/<device>  →  <model>/results/<feature>/<device>   every device, by its name
    <model>/actions/<feature>           →  <model>/results/<feature>            the one with public topics
                                           replies/<device>/…                   where a device wants answers

A message does not tell who sent it. Its topic does: the broker lets a device write only to topics that end in
its own name, and only one device to those without a name (`broker_users.py`).
"""

from dataclasses import dataclass

SHARED = ("$share/gateway/+/actions/+", "$share/gateway/+/actions/+/+")
"""What gateways subscribe to: each request goes to one of them."""
MAX_TOPIC = 512
_FEATURE = 2
_DEVICE = 3


@dataclass(frozen=True, slots=True)
class Action:
    """What a request is about, by its topic."""

    model: str
    feature: str
    device: str | None
    """None on a topic without a name."""

    @property
    def result(self) -> str:
        """Return the topic that the answer goes to unless the request names another."""
        return "/".join([self.model, "results", self.feature, *([self.device] if self.device else [])])


def parse(topic: str) -> Action | None:
    """Return what a topic says, None if it is not one of a request."""
    parts = topic.split("/")
    if len(parts) not in (_FEATURE + 1, _DEVICE + 1) or parts[1] != "actions" or len(topic) > MAX_TOPIC:
        return None
    if not all(parts):
        return None
    return Action(parts[0], parts[_FEATURE], parts[_DEVICE] if len(parts) > _DEVICE else None)


def may_read(topic: str, device: str, *, public: bool) -> bool:
    """Tell whether a device may read a topic: its answer goes nowhere else, whatever it asks for."""
    parts = topic.split("/")
    if len(topic) > MAX_TOPIC or "+" in topic or "#" in topic or "\0" in topic:
        return False
    if parts[0] == "replies":
        return len(parts) > _FEATURE and parts[1] == device
    result = len(parts) > _FEATURE and all(parts) and parts[1] == "results"
    return result and (parts[_DEVICE:] == [device] or (public and len(parts) == _DEVICE))
