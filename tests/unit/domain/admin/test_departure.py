"""After an account's end every service forgets the user, whatever happens in between."""

from hongyan.domain.admin.departure import Departures
from hongyan.domain.conversation.api import OpenDirect, SetDraft
from hongyan.domain.conversation.model import Preference
from hongyan.domain.group.api import CreateGroup
from hongyan.domain.group.members_api import ListMembers
from hongyan.domain.group.model import Group
from hongyan.domain.message.marks_api import KeepFavourite
from hongyan.domain.message.rows import Favourite
from hongyan.domain.relation.api import AnswerRequest, ListFriends, RequestFriend
from hongyan.domain.relation.model import Relation
from hongyan.domain.user.api_credentials import DeleteMe
from hongyan.domain.user.model import Departure
from hongyan.kernel.bus import Actor, Command
from hongyan.kernel.errors import Busy

from .conftest import PASSWORD, House


async def prepare(house: House) -> str:
    """Li owns a group with Wang, is Wang's friend, and keeps a favourite; then leaves."""
    await house.add("li", "wang")
    await house.do("li", RequestFriend(user_id="wang"))
    await house.do("wang", AnswerRequest(user_id="li", accept=True))
    made = await house.do("li", CreateGroup(client_id="1", name="Tea", user_ids=("wang",)))
    group_id = str(made.conversation_id)
    direct = (await house.do("li", OpenDirect(user_id="wang"))).conversation_id
    seq = await house.say("wang", direct)
    await house.do("li", KeepFavourite(conversation_id=direct, seq=seq))
    await house.do("li", SetDraft(conversation_id=direct, text="never sent"))
    await house.do("li", DeleteMe(password=PASSWORD))
    return group_id


async def check_forgotten(house: House, group_id: str) -> None:
    assert (await house.do("wang", ListFriends())).people == ()
    assert (await house.store.get(Group, group_id)).owner_id == "wang"
    assert [
        m.user_id for m in (await house.do("wang", ListMembers(conversation_id=group_id))).members
    ] == ["wang"]
    assert await house.store.count(Favourite, "li") == 0
    assert await house.store.count(Preference, "li") == 0
    assert not any(relation.friend for relation in await house.store.scan(Relation))
    assert await house.store.count(Departure) == 0


async def test_a_deleted_user_is_forgotten_everywhere(house: House) -> None:
    group_id = await prepare(house)
    assert await house.store.count(Departure) == 1
    assert await house.tick("Departures") == 1
    await check_forgotten(house, group_id)


async def test_a_crash_on_the_way_is_made_good(house: House) -> None:
    group_id = await prepare(house)
    calls = 0

    class Failing:
        """Refuses the second call."""

        async def call(self, actor: Actor, command: Command[object]) -> object:
            nonlocal calls
            calls += 1
            if calls == 2:
                raise Busy
            return await house.bus.call(actor, command)

    departures = Departures(house.store, house.store, Failing())
    assert await departures.tick(0) == 0
    assert await house.store.count(Departure) == 1
    await house.services.close()
    house.build()
    assert await house.tick("Departures") == 1
    await check_forgotten(house, group_id)
