"""Put the messages of libraries the way that people at a table would."""

import re


def in_plain_words(message: str) -> str:
    """Return a message of pydantic as people would put it, to follow the name of a key."""
    text = message.replace("Value error, ", "")
    text = text.replace("Input should be", "must be").replace("Input should have", "must have")
    text = re.sub(r", (unable to|got a number with).*", "", text)
    text = text.replace("a valid boolean", "true or false")
    text = re.sub(r"a valid (tuple|list)", "a list", text)
    text = re.sub(r"a valid (dictionary|mapping)", "a table", text)
    text = re.sub(
        r"\w+ should have at least 1 item after validation, not 0",
        "is empty, needs at least 1 value",
        text,
    )
    text = re.sub(r"(Tuple|List|Value|Data|String) should have", "must have", text)
    text = text.replace(" after validation", "")
    return text[:1].lower() + text[1:]
