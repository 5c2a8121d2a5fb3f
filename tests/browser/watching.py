"""Looking in each frame at what is on the screen of a conversation: is it there, has it moved."""

from .person import Person

MOST_PX = 2
"""How far a row may move while the history changes around it."""

WATCH = """(box, px) => {
    box.scrollTop -= px;
    const {top, bottom} = box.getBoundingClientRect();
    const rows = [...box.querySelectorAll('.timeline-row')].map((row) => {
        const place = row.getBoundingClientRect();
        return {row, top: place.top, bottom: place.bottom};
    }).filter((one) => one.bottom > top && one.top < bottom);
    const watch = (window.watched = {
        rows: rows.length, lost: 0, moved: 0, frames: 0, grown: 0, height: box.scrollHeight,
        on: true, last: 0, since: 0});
    const look = () => {
        for (const one of rows) {
            if (!one.row.isConnected) watch.lost += 1;
            else watch.moved = Math.max(
                watch.moved, Math.abs(one.row.getBoundingClientRect().top - one.top));
        }
        watch.frames += 1;
        watch.grown = box.scrollHeight - watch.height;
        if (watch.on) requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
}"""
"""Scroll; then look in each frame whether the rows on the screen are there, and where."""

LOADED = "(px) => watched.grown > px"
"""The list has grown by more than one scrolled: by more than rows that are measured anew."""
CALM = """() => {
    const {grown, frames, last, since} = watched;
    if (grown !== last) Object.assign(watched, {last: grown, since: frames});
    return grown === last && frames > since + 12 && !document.querySelector('.timeline-spinner');
}"""
"""Nothing is on its way, and nothing has grown for a dozen frames."""


async def watch(person: Person, px: int) -> None:
    """Scroll up so far, and begin to look at the rows that are on the screen then."""
    await person.page.locator(".timeline-scroll").evaluate(WATCH, px)


async def watched(person: Person, condition: str = CALM, px: int = 0) -> dict[str, float]:
    """Stop looking when the condition holds and all is calm; return what was seen."""
    await person.page.wait_for_function(condition, arg=px)
    await person.page.wait_for_function(CALM)
    seen: dict[str, float] = await person.page.evaluate("watched.on = false, watched")
    return seen


async def scroll(person: Person, px: int, condition: str = CALM) -> dict[str, float]:
    """Scroll up so far; return what was seen until the condition held and all was calm."""
    await watch(person, px)
    return await watched(person, condition, px)
