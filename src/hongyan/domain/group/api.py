"""What may be asked about a group itself and its members; ways in are in ``joining_api``."""

from hongyan.kernel.errors import Forbidden


class NotAMember(Forbidden):
    """The caller is not in the conversation; also said where it does not exist."""

    code = "not_a_member"
    message = "You are not in this conversation."


class Dissolved(Forbidden):
    """The group is no more."""

    code = "dissolved"
    message = "This group was dissolved."
