"""Make what others wrote into objects and logs harmless for a terminal. No I/O."""


def harmless(text: str, keep: str = "") -> str:
    """Return a text that cannot steer the terminal, pretend to be another line, or hide a part of itself.

    Args:
        text: Anything.
        keep: Characters that stay although they cannot be printed, such as the ends of lines.
    """
    return "".join(one if one.isprintable() or one in keep else repr(one)[1:-1] for one in text)
