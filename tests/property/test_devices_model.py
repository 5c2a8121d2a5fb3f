"""Several devices against a real server: whatever they do and whatever breaks, all agree.

The devices are the raw ones of the kill test. The server runs in this process and is stopped
and opened again on the same folder. What was acknowledged is judged by the kill test's checker;
texts, edits and recalls by a model that is a dictionary.
"""

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.prepare import Preparation
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from hongyan.access.rate_options import RateOptions
from hongyan.app.roles.embedded import Embedded, Server
from hongyan.app.settings.sections import ServerSettings, Settings
from hongyan.kernel.ids import UserId
from tests.chaos.checker import Item, Seen, Unread, check
from tests.chaos.client import Gone
from tests.chaos.device import Device
from tests.engines.process import free_port

USERS = ("b00000", "b00001", "b00002")
OWNERS = (0, 0, 1, 2)
"""Whose each device is: the first user has two."""
SETTLE_S = 5.0

devices = st.integers(0, len(OWNERS) - 1)
choices = st.integers(0, 999)
"""Which of what there is; how much there is depends on what the network did."""
conversations = st.integers(0, 2)
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(
    str.strip
)


class DevicesAgree(RuleBasedStateMachine):
    """Devices send, retry, edit, recall and read, and lose connections and the server."""

    @initialize()
    def begin(self) -> None:
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp(prefix="devices-"))
        port = free_port()
        self.settings = Settings(
            server=ServerSettings(
                data_dir=str(self.folder), listen=f"127.0.0.1:{port}", drain_s=0.0
            ),
            rates=RateOptions(user_per_s=0, connection_per_s=0),
        )
        self.texts: dict[tuple[str, int], str | None] = {}
        """What each acknowledged message says now; None once it is recalled."""
        self.unknown: list[tuple[int, str, dict[str, Any]]] = []
        """Sent without an answer: device, conversation, message."""
        self.runner.run(self.set_up(port))

    async def set_up(self, port: int) -> None:
        await self.open()
        made = Preparation(self.embedded.caller)
        await made.users(len(USERS))
        people = [UserId(name) for name in USERS]
        group = await made.group(people)
        first, second = await made.direct([(people[0], people[1]), (people[1], people[2])])
        self.conversations = [group, first, second]
        members = {group: set(USERS), first: set(USERS[:2]), second: set(USERS[1:])}
        self.devices: list[Device] = []
        for place, owner in enumerate(OWNERS):
            token = await made.device(people[owner])
            mine = [one for one in self.conversations if USERS[owner] in members[one]]
            places = [f"127.0.0.1:{port}"]
            self.devices.append(Device(f"v{place}", USERS[owner], token, places, mine))

    async def open(self) -> None:
        self.embedded = await Embedded.open(self.settings)
        self.server = Server(self.embedded)
        await self.server.start()

    async def shut(self) -> None:
        await self.server.stop()
        await self.embedded.close()

    def teardown(self) -> None:
        if not hasattr(self, "devices"):
            return
        try:
            self.runner.run(self.agree())
        finally:
            self.runner.run(self.shut())
            self.runner.close()
            shutil.rmtree(self.folder)

    def offset(self, device: int, conversation: int) -> tuple[Device, str]:
        """Return a device and one of its conversations."""
        chosen = self.devices[device]
        return chosen, chosen.conversations[conversation % len(chosen.conversations)]

    # --- what happens ---

    @rule(device=devices, conversation=conversations, text=texts)
    def send(self, device: int, conversation: int, text: str) -> None:
        """Send and be acknowledged."""
        sender, where = self.offset(device, conversation)
        self.runner.run(self.deliver(sender, sender.compose(where, text)))

    @rule(device=devices, conversation=conversations, text=texts, wait=st.integers(0, 5))
    def send_and_drop(self, device: int, conversation: int, text: str, wait: int) -> None:
        """Send, and lose the connection before, while or after the server answers."""
        sender, where = self.offset(device, conversation)
        message = sender.compose(where, text)

        async def cut() -> None:
            client = await sender.client()
            asking = asyncio.create_task(client.call("message.send", **message))
            await asyncio.sleep(0.0005 * wait)
            sender.drop()
            try:
                ack = await asking
            except Gone:
                self.unknown.append((device, where, message))
            else:
                sender.acknowledge(message, ack["seq"])
                self.texts[(where, ack["seq"])] = text

        self.runner.run(cut())

    @rule(choice=choices)
    def retry(self, choice: int) -> None:
        """Send again what was never answered, with the same client id."""
        if not self.unknown:
            return
        device, _, message = self.unknown.pop(choice % len(self.unknown))
        self.runner.run(self.deliver(self.devices[device], message, in_order=False))

    @rule(choice=choices)
    def repeat(self, choice: int) -> None:
        """Send again what was acknowledged long ago, with another text."""
        acks = [(ack, device) for device in self.devices for ack in device.acks]
        if not acks:
            return
        ack, sender = acks[choice % len(acks)]
        message = sender.compose(ack.conversation_id, "another text", ack.author[1])
        answer = self.runner.run(sender.insist("message.send", message))
        assert answer["seq"] == ack.seq

    @rule(text=texts, breaks=st.sampled_from(["nothing", "a connection", "the server"]))
    def all_at_once(self, text: str, breaks: str) -> None:
        """Let all devices send at once, while something may break."""

        async def together() -> None:
            sending = [
                self.deliver(device, device.compose(where, f"{text} {number}"))
                for number, device in enumerate(self.devices)
                for where in device.conversations
            ]
            await asyncio.gather(*sending, self.break_(breaks))

        self.runner.run(together())

    async def break_(self, what: str) -> None:
        await asyncio.sleep(0.001)
        if what == "a connection":
            self.devices[0].drop()
        elif what == "the server":
            await self.shut()
            await self.open()

    @rule(choice=choices, text=texts)
    def edit(self, choice: int, text: str) -> None:
        """Edit one's own message."""
        standing = self.standing()
        if not standing:
            return
        place, author = standing[choice % len(standing)]
        content = {"type": "text", "text": text}
        params = {"conversation_id": place[0], "seq": place[1], "content": content}
        self.runner.run(self.change(author, "message.edit", params))
        self.texts[place] = text

    @rule(choice=choices)
    def recall(self, choice: int) -> None:
        """Take one's own message back."""
        standing = self.standing()
        if not standing:
            return
        place, author = standing[choice % len(standing)]
        params = {"conversation_id": place[0], "seq": place[1]}
        self.runner.run(self.change(author, "message.recall", params))
        self.texts[place] = None

    async def change(self, author: Device, method: str, params: dict[str, Any]) -> None:
        """Change a message; the answer tells the asker what is pushed to all others."""
        noted = await author.insist(method, params)
        if noted.get("entry_seq"):
            where = params["conversation_id"]
            author.view[where].setdefault(noted["entry_seq"], (author.user_id, ""))

    def standing(self) -> list[tuple[tuple[str, int], Device]]:
        """Return the messages that still say something, and a device of their author."""
        return [
            ((ack.conversation_id, ack.seq), device)
            for device in self.devices
            for ack in device.acks
            if self.texts[(ack.conversation_id, ack.seq)] is not None
        ]

    @rule(device=devices, conversation=conversations)
    def read(self, device: int, conversation: int) -> None:
        """Read as far as the device has everything."""
        reader, where = self.offset(device, conversation)
        self.runner.run(reader.mark_read(where))

    @rule(device=devices)
    def go_offline(self, device: int) -> None:
        """Hang up; the device comes back when it next does something."""
        self.runner.run(self.devices[device].hang_up())

    @rule()
    def restart(self) -> None:
        """Stop the server and start it again."""
        self.runner.run(self.shut())
        self.runner.run(self.open())

    @rule()
    def live_devices_get_everything(self) -> None:
        """Whoever is connected is given everything without asking."""
        self.runner.run(self.wait_for_pushes())

    async def deliver(self, sender: Device, message: dict[str, Any], in_order: bool = True) -> None:
        ack = await sender.insist("message.send", message)
        where = message["conversation_id"]
        sender.acknowledge(message, ack["seq"], in_order)
        self.texts[(where, ack["seq"])] = message["content"]["text"]

    # --- what must hold ---

    async def wait_for_pushes(self) -> None:
        heads = await self.embedded.store.states(self.conversations)  # type: ignore[arg-type]

        def behind() -> list[tuple[str, str, int, int]]:
            return [
                (device.name, one, device.whole(one), heads[one].seq)  # type: ignore[index]
                for device in self.devices
                if device.is_online
                for one in device.conversations
                if device.whole(one) < heads[one].seq  # type: ignore[index]
            ]

        for _ in range(int(SETTLE_S / 0.005)):
            if not behind():
                return
            await asyncio.sleep(0.005)
        raise AssertionError(behind())

    async def agree(self) -> None:
        """Bring all devices up to date and compare everything."""
        await asyncio.gather(*[device.catch_up() for device in self.devices])
        await self.wait_for_pushes()
        logs = {}
        for device in self.devices:
            for where in device.conversations:
                logs[where] = await device.whole_log(where)
        seen = Seen(
            logs={where: [_item(entry) for entry in log] for where, log in logs.items()},
            acks={device.name: device.in_order for device in self.devices},
            queries={device.name: device.view for device in self.devices},
            conflicts=[sentence for device in self.devices for sentence in device.conflicts],
            unread=[one for device in self.devices for one in await self.unread(device, logs)],
        )
        assert check(seen).examples() == []
        told = {
            (where, entry["seq"]): entry["body"]["content"] and entry["body"]["content"]["text"]
            for where, log in logs.items()
            for entry in log
            if entry["kind"] == "message"
        }
        unanswered = {(where, message["client_id"]) for _, where, message in self.unknown}
        for where, log in logs.items():
            for entry in log:
                if (where, entry["client_id"]) in unanswered and entry["kind"] == "message":
                    del told[(where, entry["seq"])]
        assert told == self.texts

    async def unread(self, device: Device, logs: dict[str, Any]) -> list[Unread]:
        """Return the user's places; the cursor is exactly what was read or written."""
        mine = [one for one in self.devices if one.user_id == device.user_id]
        found = []
        for place in await device.places():
            where = place["conversation_id"]
            written = [e["seq"] for e in logs[where] if _item(e).author[0] == device.user_id]
            spoken = [s for s in written if _item(logs[where][s - 1]).countable]
            expected = max([0, *spoken, *[one.read[where] for one in mine]])
            cursor = place["cursor"]["read_seq"]
            assert cursor == expected
            found.append(Unread(device.user_id, where, cursor, place["unread"], expected))
        return found


def _item(entry: dict[str, Any]) -> Item:
    author = (entry["sender"], entry["client_id"])
    return Item(entry["seq"], entry["ordinal"], author, entry["kind"] == "message")


DevicesAgree.TestCase.settings = settings(
    max_examples=12,
    stateful_step_count=25,
    suppress_health_check=[HealthCheck.too_slow],
)
TestDevicesAgree = DevicesAgree.TestCase
