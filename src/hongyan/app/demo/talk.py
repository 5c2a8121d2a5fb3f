"""Names and dialogues of ``hongyan demo``.

Everybody speaks his or her own language: each turn stands here in Chinese and in English.
"""

from msgspec import Struct

Names = tuple[str, str, str]
"""Name, handle, locale."""

PEOPLE: tuple[Names, ...] = (
    ("林晓雯", "linxiaowen", "zh-CN"),
    ("Emma Clarke", "emma", "en-GB"),
    ("陈立国", "chenliguo", "zh-CN"),
    ("周婷", "zhouting", "zh-CN"),
    ("Daniel Ortiz", "daniel", "en-US"),
    ("吴海涛", "wuhaitao", "zh-CN"),
    ("Priya Nair", "priya", "en-IN"),
    ("赵一鸣", "zhaoyiming", "zh-CN"),
    ("Tom Becker", "tom", "en-US"),
    ("孙悦", "sunyue", "zh-CN"),
)
SURNAMES = "王wang 李li 张zhang 刘liu 陈chen 杨yang 黄huang 徐xu 朱zhu 何he 郭guo 罗luo"
GIVEN = (
    "子涵zihan 雨桐yutong 浩然haoran 思远siyuan 佳怡jiayi 文博wenbo 梦洁mengjie 俊杰junjie"
    " 晨曦chenxi 若彤ruotong 志强zhiqiang 静怡jingyi"
)
FIRST_NAMES = "Alice Ben Chloe David Elena Felix Grace Hugo Irene Jack Karen Leo"
LAST_NAMES = "Adams Brown Costa Dubois Evans Fischer Garcia Hill Ivanov Jones"
"""Names beyond those of ``PEOPLE`` are put together of these; separated by spaces."""

GROUPS: tuple[tuple[str, str], ...] = (
    (
        "全体 All hands",
        "欢迎！重要的事都在这里说。Welcome! What matters to everybody is said here.",
    ),
    ("研发 Engineering", "提交前先跑测试。Run the tests before you push."),
    ("产品 Product", "先写清楚问题，再谈方案。First the problem, then the solution."),
    ("2.0 上线 Launch", "目标：月底发布。Goal: out by the end of the month."),
    ("午饭群 Lunch", "十一点半投票，十二点出发。Vote at 11:30, leave at 12."),
)
MORE_GROUPS = (
    "项目 Project",
    "客户 Customer",
    "设计 Design",
    "测试 QA",
    "市场 Marketing",
    "跑步 Running",
)
STATUSES = (("🏠", "在家办公"), ("🎧", "Focus time"), ("✈️", "出差"), ("🌴", "Back on Monday"))

WORDS: dict[str, tuple[tuple[str, str], ...]] = {
    "day": (
        ("周一", "Monday"),
        ("周二", "Tuesday"),
        ("周三", "Wednesday"),
        ("周四", "Thursday"),
        ("周五", "Friday"),
    ),
    "hour": (
        ("十点", "10 o'clock"),
        ("下午两点", "2 pm"),
        ("下午三点半", "half past three"),
        ("四点", "4 pm"),
    ),
    "room": (
        ("海棠厅", "Room Begonia"),
        ("三楼小会议室", "the small room on the 3rd floor"),
        ("线上", "the video call"),
    ),
    "dish": (
        ("牛肉面", "beef noodles"),
        ("麻辣香锅", "the spicy hot pot"),
        ("沙拉", "salad"),
        ("饺子", "dumplings"),
    ),
    "city": (
        ("上海", "Shanghai"),
        ("深圳", "Shenzhen"),
        ("柏林", "Berlin"),
        ("新加坡", "Singapore"),
    ),
    "customer": (
        ("华东银行", "East Bank"),
        ("蓝海物流", "Blue Sea Logistics"),
        ("Nordwind", "Nordwind"),
    ),
    "page": (
        ("登录页", "the login page"),
        ("设置页", "the settings page"),
        ("搜索结果", "the search results"),
        ("首页", "the start page"),
    ),
    "doc": (
        ("需求文档", "the requirements"),
        ("接口说明", "the API notes"),
        ("测试报告", "the test report"),
        ("季度计划", "the quarterly plan"),
    ),
}


class Line(Struct, frozen=True):
    """One message of a talk."""

    who: int
    """The index of the speaker who says it."""
    zh: str
    en: str
    answers: int = -1
    """The turn that it quotes; -1 for none."""
    emojis: str = ""
    """One of the others puts each of these to it."""
    slip: bool = False
    """Whether it is sent with a slip and edited at once."""


Dialogue = tuple[Line, ...]
T = Line

DIALOGUES: tuple[Dialogue, ...] = (
    (
        T(0, "早！今天谁来发布 {number} 版？", "Morning! Who ships version {number} today?"),
        T(
            1,
            "我来吧，上午先把回归测试跑完。",
            "I will, once the regression tests are through.",
            emojis="👍",
        ),
        T(
            2,
            "{page}还有一个小问题，我十分钟内修好。",
            "{page} still has a small problem, ten minutes and it's fixed.",
        ),
        T(1, "好，等你。", "Fine, I'll wait.", answers=2),
        T(2, "修好了，已经合并。", "Fixed and merged.", emojis="🎉"),
        T(1, "测试全绿，开始发布。", "All green, shipping now.", emojis="🚀🎉"),
    ),
    (
        T(
            0,
            "{customer}说{page}打不开，有人看一下吗？",
            "{customer} says {page} doesn't open, can anybody look?",
        ),
        T(1, "我看看日志。", "Looking at the logs."),
        T(1, "证书昨晚过期了……", "The certificate ran out last night...", emojis="😱"),
        T(2, "我来更新，五分钟。", "I'll renew it, five minutes."),
        T(2, "好了，麻烦客户再试一次。", "Done, please let them try again.", slip=True),
        T(0, "客户说可以了，谢谢两位！", "It works for them, thank you both!", emojis="🙏"),
    ),
    (
        T(0, "中午吃什么？", "What's for lunch?"),
        T(1, "{dish}怎么样？", "How about {dish}?", emojis="😋"),
        T(2, "昨天刚吃过……", "We had that yesterday..."),
        T(1, "那就{dish}，真的好吃。", "Still {dish}, it really is good.", answers=2),
        T(0, "行，十二点楼下见。", "Fine, downstairs at twelve.", emojis="👌"),
    ),
    (
        T(
            0,
            "{day}的评审能改到{hour}吗？我要去机场接客户。",
            "Can we move {day}'s review to {hour}? I must fetch a customer from the airport.",
        ),
        T(1, "可以，{room}那个时间空着。", "Yes, {room} is free then."),
        T(2, "我也没问题。", "Fine with me.", answers=0),
        T(0, "太好了，我改一下邀请。", "Great, I'll change the invitation.", emojis="👍"),
    ),
    (
        T(0, "{doc}写好了，请大家{day}之前看一遍。", "{doc}: done. Please read it before {day}."),
        T(
            1,
            "第三节的数字和上次不一样，是故意的吗？",
            "The numbers in section 3 differ from last time, is that on purpose?",
        ),
        T(0, "不是，谢谢！我马上改。", "It isn't, thanks! Changing it now.", answers=1),
        T(2, "其余的我觉得很清楚。", "The rest is very clear to me.", emojis="❤️"),
    ),
    (
        T(
            0,
            "大家好，我今天第一天上班，请多关照！",
            "Hello everybody, today is my first day!",
            emojis="👋🎉",
        ),
        T(1, "欢迎！有问题随时问。", "Welcome! Ask whatever you want.", answers=0),
        T(2, "欢迎欢迎，中午一起吃饭吧。", "Welcome! Join us for lunch.", emojis="😊"),
        T(0, "好的，谢谢大家！", "I'd love to, thank you!"),
    ),
    (
        T(0, "在吗？", "Are you there?"),
        T(1, "在，怎么了？", "Yes, what is it?"),
        T(0, "{doc}最新版在哪里？", "Where is the latest version of {doc}?"),
        T(1, "共享盘，文件夹“{number}”里。", "On the share, in the folder “{number}”."),
        T(0, "找到了，谢谢。", "Found it, thanks.", emojis="👌"),
    ),
    (
        T(
            0,
            "{customer}希望{day}去{city}做一次演示。",
            "{customer} would like a demo in {city} on {day}.",
        ),
        T(1, "我可以去，谁和我一起？", "I can go, who comes along?"),
        T(2, "我去。票我来订。", "I do. I'll book the tickets.", emojis="✈️"),
        T(0, "辛苦了，回来报销记得留发票。", "Thank you. Keep the receipts.", answers=2),
    ),
    (
        T(0, "线上报警：{page}响应超过两秒。", "Alert: {page} takes more than two seconds."),
        T(1, "是那个没有索引的查询。", "It's that query without an index."),
        T(2, "加索引要多久？", "How long does the index take?"),
        T(
            1,
            "表不大，一分钟。已经在跑了。",
            "The table is small, a minute. It's running.",
            answers=2,
        ),
        T(1, "恢复了，平均八十毫秒。", "Back to 80 ms on average.", emojis="💪"),
        T(0, "晚上写个复盘吧。", "Let's write it up tonight.", emojis="👍"),
    ),
    (
        T(0, "新图标两个方案，蓝色还是绿色？", "Two drafts for the icon: blue or green?"),
        T(1, "蓝色，和品牌更配。", "Blue, it fits the brand."),
        T(
            2,
            "绿色更显眼……不过我也投蓝色。",
            "Green stands out... but blue from me too.",
            slip=True,
        ),
        T(0, "那就蓝色，谢谢！", "Blue it is, thanks!", emojis="💙"),
    ),
    (
        T(0, "今天面试的候选人怎么样？", "How was today's candidate?"),
        T(1, "基础很好，沟通也清楚。", "Solid basics, and clear to talk to."),
        T(2, "同意，我建议进下一轮。", "Agreed, I'd invite to the next round.", answers=1),
        T(0, "好，我来约{day}{hour}。", "Good, I'll arrange {day}, {hour}."),
    ),
    (
        T(
            0,
            "祝小组最靠谱的人生日快乐！🎂",
            "Happy birthday to the most reliable person here! 🎂",
            emojis="🎂🎉",
        ),
        T(1, "生日快乐！", "Happy birthday!"),
        T(
            2,
            "谢谢大家，下午请喝奶茶！",
            "Thank you all! Bubble tea is on me this afternoon.",
            emojis="🧋❤️",
        ),
    ),
    (
        T(0, "三楼打印机又卡纸了。", "The printer on the 3rd floor is jammed again."),
        T(
            1,
            "我去修，这次我要拍照留念。",
            "I'll mend it, and take a picture this time.",
            emojis="😂",
        ),
        T(0, "英雄。", "A hero.", answers=1),
    ),
    (
        T(
            0,
            "这个月活跃用户涨了 {percent}%。",
            "Active users grew by {percent}% this month.",
            emojis="📈",
        ),
        T(1, "太棒了！主要来自哪里？", "Wonderful! Where from?"),
        T(0, "一半来自{city}。", "Half of them from {city}.", answers=1),
        T(2, "我把图放进{doc}里。", "I'll put the chart into {doc}."),
    ),
    (
        T(0, "“灰度发布”英语怎么说比较好？", "How do you say “灰度发布” in English?"),
        T(1, "Staged rollout。", "Staged rollout."),
        T(0, "谢谢，学到了。", "Thanks, I learned something.", emojis="👍"),
    ),
    (
        T(
            0,
            "我{day}请一天假，急事找{hour}之前的我。",
            "I'm off on {day}; urgent things before {hour}, please.",
        ),
        T(1, "好的，玩得开心。", "Fine, enjoy it.", emojis="🌴"),
        T(2, "你的值班我来顶。", "I'll take your shift.", answers=0),
    ),
    (
        T(
            0,
            "合同第{percent}条，{customer}想改成九十天付款。",
            "Clause {percent}: {customer} wants to pay within 90 days.",
        ),
        T(1, "六十天是底线。", "60 is our limit."),
        T(0, "我跟他们谈。", "I'll talk to them.", emojis="💪"),
        T(0, "谈成了，六十天。", "Done: 60 days.", answers=1, emojis="🎉"),
    ),
    (
        T(
            0,
            "周末有人一起跑步吗？八公里，慢的。",
            "Anybody up for a run this weekend? 8 km, slowly.",
        ),
        T(1, "几点？太早我起不来。", "When? I'm no early bird."),
        T(0, "九点，公园东门。", "Nine, the park's east gate.", answers=1),
        T(2, "算我一个。", "Count me in.", emojis="🏃"),
    ),
    (
        T(
            0,
            "测试环境谁在用？我想重置一下。",
            "Who is using the test system? I'd like to reset it.",
        ),
        T(1, "给我十五分钟。", "Give me 15 minutes."),
        T(1, "用完了，请便。", "I'm done, go ahead.", slip=True),
        T(0, "收到，开始重置。", "Resetting now.", emojis="👌"),
    ),
    (
        T(
            0,
            "刚和{customer}开完会，需求有三点变化，我写在{doc}里了。",
            "Just met {customer}: three changes, they are in {doc}.",
        ),
        T(1, "第二点要动数据结构，需要两天。", "The second touches the data model: two days."),
        T(2, "那发布推到{day}？", "So we ship on {day}?"),
        T(0, "可以，我通知客户。", "Yes, I'll tell them.", answers=2, emojis="👍"),
    ),
    (
        T(0, "谢谢你昨晚帮我看代码。", "Thank you for reviewing my code last night."),
        T(1, "不客气，写得很清楚。", "You're welcome, it was easy to read.", emojis="😊"),
        T(0, "下次换我帮你。", "Next time it's my turn."),
    ),
    (
        T(0, "{hour}的会你参加吗？", "Are you in the meeting at {hour}?"),
        T(1, "参加，在{room}对吧？", "Yes. In {room}, right?"),
        T(0, "对。帮我占个座。", "Right. Keep me a seat.", answers=1),
        T(1, "没问题。", "Sure.", emojis="👌"),
    ),
)
POLL = (
    "团建去哪里？ Where do we go for the team day?",
    ("爬山 Hiking", "密室逃脱 Escape room", "烧烤 Barbecue"),
)
DRAFT = {"zh": "我觉得我们可以先", "en": "I was thinking that we could"}
