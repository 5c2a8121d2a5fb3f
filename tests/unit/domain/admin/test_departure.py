"""After an account's end every service forgets the user, whatever happens in between."""

from hongyan.domain.admin.departure import Departures
from hongyan.domain.conversation.commands import OpenDirect, SetDraft
from hongyan.domain.group.commands import CreateGroup
from hongyan.domain.group.commands_members import ListMembers
from hongyan.domain.group.model import Group
from hongyan.domain.message.commands_metadata import KeepFavourite
from hongyan.domain.message.rows import Favourite
from hongyan.domain.relation.commands import AnswerRequest, ListFriends, RequestFriend
from hongyan.domain.relation.model import Relation
from hongyan.domain.user.commands_credentials import DeleteMe
from hongyan.domain.user.model import Departure
from hongyan.domain.visibility.model import Preference
from hongyan.kernel.bus import Actor, Command
from hongyan.kernel.errors import Busy

from .conftest import PASSWORD, Harness


async def prepare(harness: Harness) -> str:
    """Li owns a group with Wang, is Wang's friend, and keeps a favourite; then leaves."""
    await harness.add("li", "wang")
    await harness.do("li", RequestFriend(user_id="wang"))
    await harness.do("wang", AnswerRequest(user_id="li", accept=True))
    made = await harness.do("li", CreateGroup(client_id="1", name="Tea", user_ids=("wang",)))
    group_id = str(made.conversation_id)
    direct = (await harness.do("li", OpenDirect(user_id="wang"))).conversation_id
    seq = await harness.say("wang", direct)
    await harness.do("li", KeepFavourite(conversation_id=direct, seq=seq))
    await harness.do("li", SetDraft(conversation_id=direct, text="never sent"))
    await harness.do("li", DeleteMe(password=PASSWORD))
    return group_id


async def check_forgotten(harness: Harness, group_id: str) -> None:
    assert (await harness.do("wang", ListFriends())).people == ()
    assert (await harness.store.get(Group, group_id)).owner_id == "wang"
    assert [
        m.user_id for m in (await harness.do("wang", ListMembers(conversation_id=group_id))).members
    ] == ["wang"]
    assert await harness.store.count(Favourite, "li") == 0
    assert await harness.store.count(Preference, "li") == 0
    assert not any(relation.friend for relation in await harness.store.scan(Relation))
    assert await harness.store.count(Departure) == 0


async def test_a_deleted_user_is_forgotten_everywhere(harness: Harness) -> None:
    group_id = await prepare(harness)
    assert await harness.store.count(Departure) == 1
    assert await harness.run("Departures") == 1
    await check_forgotten(harness, group_id)


async def test_a_crash_on_the_way_is_made_good(harness: Harness) -> None:
    group_id = await prepare(harness)
    calls = 0

    class Failing:
        """Refuses the second call."""

        async def call(self, actor: Actor, command: Command[object]) -> object:
            nonlocal calls
            calls += 1
            if calls == 2:
                raise Busy
            return await harness.bus.call(actor, command)

    departures = Departures(harness.store, harness.store, Failing())
    assert await departures.run(0) == 0
    assert await harness.store.count(Departure) == 1
    await harness.services.close()
    harness.build()
    assert await harness.run("Departures") == 1
    await check_forgotten(harness, group_id)
