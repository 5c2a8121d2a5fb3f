"""Both SDKs make the same of any entries, not only of those in ``protocol/folds``."""

import json
import os
import random
import subprocess
from pathlib import Path
from typing import Any

from tests.unit.sdk.folds import cases_of, folded

PACKAGE = Path(__file__).parents[2] / "sdk/typescript"
GROUP = "gaaaaaaaaaaaaaaaa"
ME, *OTHERS = PEOPLE = ("alice", "bob", "carol")
CASES = 400
ENTRIES = 40


class Story:
    """A random, but possible, course of events in a group.

    Args:
        seed: The same one makes the same story.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.entries: list[dict[str, Any]] = []
        self.seq = self.ordinal = self.own_seq = 0
        self.ordinals = [0]
        self.versions: dict[int, int] = {}
        self.reactions: dict[tuple[int, str], set[str]] = {}
        self.votes: dict[int, dict[str, list[int]]] = {}
        self.read = 0
        self.preference: dict[str, Any] = {}
        self.members = {*PEOPLE}

    def case(self) -> dict[str, Any]:
        acts = (self.say, self.say, self.say, self.edit, self.end, self.react, self.react)
        acts += (self.pin, self.vote, self.own, self.member, self.group, self.come_and_go)
        for _ in range(ENTRIES):
            self.random.choice(acts)()
        member = {"conversation_id": GROUP, "user_id": ME}
        return {
            "name": "random",
            "me": ME,
            "conversation": {
                "conversation_id": GROUP,
                "kind": "group",
                "head": {},
                "member": member,
                "group": {"conversation_id": GROUP, "kind": "group", "name": "G", "owner_id": ME},
                "member_count": len(PEOPLE),
                "preference": member,
            },
            "entries": self.entries,
            "state": {},
        }

    def add(self, kind: str, sender: str = "", *, countable: bool = False, **body: Any) -> int:
        self.seq += 1
        self.ordinal += countable
        self.ordinals.append(self.ordinal)
        self.put(GROUP, self.seq, self.ordinal, kind, sender or self.random.choice(PEOPLE), body)
        return self.seq

    def put(
        self, log_id: str, seq: int, ordinal: int, kind: str, sender: str, body: dict[str, Any]
    ) -> None:
        entry = {"log_id": log_id, "seq": seq, "ordinal": ordinal, "kind": kind, "body": body}
        self.entries.append({**entry, "sender": sender, "client_id": "", "sent_at_ms": 1000 + seq})

    def say(self) -> None:
        if self.random.random() < 0.2:
            seq = self.add("message", countable=True, content=self.poll())
            self.votes[seq] = {}
        else:
            seq = self.add("message", countable=True, content=self.text())
        self.versions[seq] = 1

    def poll(self) -> dict[str, Any]:
        return {"type": "poll", "question": "?", "options": ["a", "b", "c"], "multiple": True}

    def text(self) -> dict[str, Any]:
        kind = self.random.choice(("", "", "mention", "mention_all", "mention_admins"))
        content: dict[str, Any] = {"type": "text", "text": f"words {self.random.random()}"}
        if kind:
            entity = {"type": kind, "offset": 0, "length": 1}
            if kind == "mention":
                entity["user_id"] = self.random.choice(PEOPLE)
            content["entities"] = [entity]
        return content

    def target(self) -> int:
        """Return a seq: most often that of a message, at times of something else or nothing."""
        if self.versions and self.random.random() < 0.9:
            return self.random.choice(list(self.versions))
        return self.random.randint(1, self.seq + 3)

    def edit(self) -> None:
        seq = self.target()
        if seq in self.votes:
            return
        version = self.versions.get(seq, 1) + self.random.choice((0, 1, 1, 2))
        content = None if self.random.random() < 0.2 else self.text()
        if content is not None and seq in self.versions:
            self.versions[seq] = max(version, self.versions[seq])
        self.add("message.edited", seq=seq, content=content, version=version, edited_at_ms=5)

    def end(self) -> None:
        if self.random.random() < 0.4:
            self.add(self.random.choice(("message.recalled", "message.burned")), seq=self.target())

    def react(self) -> None:
        seq, emoji = self.target(), self.random.choice("👍🎉❤")
        who = self.random.choice(PEOPLE)
        users = self.reactions.setdefault((seq, emoji), set())
        is_added = who not in users
        users ^= {who}
        if seq > self.seq:
            self.reactions.pop((seq, emoji))
            return  # nobody reacts to what is not there yet
        self.add("message.reacted", who, seq=seq, emoji=emoji, added=is_added, count=len(users))

    def pin(self) -> None:
        self.add("message.pinned", seq=self.target(), pinned=self.random.random() < 0.6)

    def vote(self) -> None:
        if not self.votes:
            return
        seq, who = self.random.choice(list(self.votes)), self.random.choice(PEOPLE)
        self.votes[seq][who] = choice = self.random.sample(range(3), self.random.randint(0, 2))
        voters = [one for one in self.votes[seq].values() if one]
        tallies = [sum(option in one for one in voters) for option in range(3)]
        told: dict[str, Any] = {"seq": seq, "tallies": tallies, "voters": len(voters)}
        if self.random.random() < 0.1:
            self.add("poll.closed", **told)
        else:
            is_anonymous = self.random.random() < 0.2
            told["choice"] = None if is_anonymous else choice
            self.add("poll.voted", "system" if is_anonymous else who, **told)

    def own(self) -> None:
        self.own_seq += 1
        at = self.random.randint(0, self.seq)
        kind = self.random.choice(("read", "read", "cleared", "hidden", "marked"))
        body: dict[str, Any] = {"conversation_id": GROUP}
        if kind == "read":
            self.read = max(self.read, at)
            body |= {"read_seq": self.read, "read_ordinal": self.ordinals[self.read]}
        elif kind == "hidden":
            body["seqs"] = [self.random.choice(list(self.versions))] if self.versions else []
        else:
            self.preference["marked_unread"] = kind == "marked"
            if kind == "cleared" and at > self.preference.get("cleared_seq", 0) and at % 3 == 0:
                self.preference |= {"cleared_seq": at, "cleared_ordinal": self.ordinals[at]}
            body |= {"user_id": ME, **self.preference}
        names = {"read": "conversation.read", "hidden": "messages.hidden"}
        name = names.get(kind, "preference.changed")
        self.put("@" + ME, self.own_seq, 0, name, ME, body)

    def member(self) -> None:
        role = self.random.choice(("member", "admin"))
        self.add("member.changed", user_id=self.random.choice(PEOPLE), role=role)

    def group(self) -> None:
        self.add("conversation.changed", name=self.random.choice((None, "A", "B")), notice="n")

    def come_and_go(self) -> None:
        who = self.random.choice(PEOPLE)
        if who in self.members:
            self.members.discard(who)
            self.add("members.left", user_ids=[who], why="left")
        else:
            self.members.add(who)
            self.add("members.joined", user_ids=[who], how="added")


def test_random_stories_lead_both_to_the_same(tmp_path: Path) -> None:
    stories = [Story(seed).case() for seed in range(CASES)]
    file = tmp_path / "cases.json"
    file.write_text(json.dumps(stories))
    done = subprocess.run(
        ["npx", "vite-node", "tests/fold_file.ts"],
        cwd=PACKAGE,
        env={**os.environ, "FOLD_CASES": str(file)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    theirs = json.loads(done.stdout)
    ours = [folded(case) for case in cases_of(stories)]
    assert len(theirs) == CASES
    for seed, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        assert one == other, f"story {seed}"
    assert sum(bool(state["messages"]) for state in ours) > CASES // 2
