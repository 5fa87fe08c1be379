#!/usr/bin/env python3
"""Write src/bot_api/methods.json from the machine-readable description of the Bot API.

Usage: make_table.py telegram-bot-api.json [output]

Only the simulated methods and the types that their parameters reach are kept, with what a check needs:
name, types, "required", and the constant of a field that tells the members of a union apart.
"""
import json
import pathlib
import re
import sys

METHODS = """
getMe getUpdates setWebhook deleteWebhook getWebhookInfo sendMessage editMessageText editMessageReplyMarkup
editMessageCaption deleteMessage sendDocument sendPhoto sendChatAction answerCallbackQuery getFile setMyCommands
getMyCommands deleteMyCommands setMyDescription setMyShortDescription setChatMenuButton getChat sendInvoice
answerPreCheckoutQuery refundStarPayment getStarTransactions logOut close
""".split()

PRIMITIVES = {"Integer", "Float", "Boolean", "String", "InputFile"}
CONSTANT = re.compile(r"(?:must be|always) [\"“*]?([a-z_]+)[\"”*]?$")


def base(name):
    """The element type of "Array of Array of X"."""
    while name.startswith("Array of "):
        name = name[len("Array of "):]
    return name


def field(source):
    """One parameter or field, without its prose."""
    result = {"types": source["types"]}
    if source["required"]:
        result["required"] = True
    constant = CONSTANT.search(source["description"].split(". ")[0].rstrip("."))
    if source["required"] and source["types"] == ["String"] and constant:
        result["is"] = constant.group(1)
    return result


def main():
    description = json.loads(pathlib.Path(sys.argv[1]).read_text())
    default = pathlib.Path(__file__).parent.parent / "src/bot_api/methods.json"
    output = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else default
    methods, types, wanted = {}, {}, set()

    def want(entry):
        for item in entry.get("fields", []):
            wanted.update(base(name) for name in item["types"])
        wanted.update(entry.get("subtypes", []))

    for name in METHODS:
        entry = description["methods"][name]
        methods[name] = {item["name"]: field(item) for item in entry.get("fields", [])}
        want(entry)
    while True:
        missing = sorted(wanted - PRIMITIVES - set(types))
        if not missing:
            break
        for name in missing:
            entry = description["types"][name]
            if entry.get("subtypes"):
                types[name] = {"one_of": entry["subtypes"]}
            else:
                types[name] = {"fields": {item["name"]: field(item) for item in entry.get("fields", [])}}
            want(entry)
    updates = [item["name"] for item in description["types"]["Update"]["fields"] if item["name"] != "update_id"]
    table = {
        "version": description["version"],
        "updates": updates,
        "methods": dict(sorted(methods.items())),
        "types": dict(sorted(types.items())),
    }
    output.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
