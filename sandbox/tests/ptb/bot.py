"""A tiny bot on python-telegram-bot, so that the sandbox is also driven by a client of other hands.

It prints one line `ready` and runs until it is terminated. Arguments: the sandbox's address, and `polling` or `webhook`.
"""
import asyncio
import io
import signal
import socket
import sys

from telegram import BotCommand, CopyTextButton, InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.constants import ChatAction, ParseMode
from telegram.error import BadRequest, Forbidden, RetryAfter
from telegram.ext import Application, CallbackQueryHandler, CommandHandler, MessageHandler, filters

KEYBOARD = InlineKeyboardMarkup([
    [InlineKeyboardButton("Count", callback_data="count:1"), InlineKeyboardButton("File", callback_data="file")],
    [InlineKeyboardButton("Site", url="https://example.org/"), InlineKeyboardButton("Copy", copy_text=CopyTextButton("abc"))],
])


async def start(update, context):
    await update.effective_chat.send_action(ChatAction.TYPING)
    name = update.effective_user.mention_html()
    await update.message.reply_text(f"Hello {name}, <b>press</b>", parse_mode=ParseMode.HTML, reply_markup=KEYBOARD, do_quote=True)


async def pressed(update, context):
    query = update.callback_query
    if query.data == "file":
        await query.answer()
        await query.message.reply_document(io.BytesIO(b"[Interface]\n"), filename="wg.conf", caption="<code>wg</code>", parse_mode="HTML")
        return
    number = int(query.data.split(":")[1])
    await query.answer(f"{number}!", show_alert=True)
    markup = InlineKeyboardMarkup([[InlineKeyboardButton("More", callback_data=f"count:{number + 1}")]])
    await query.edit_message_text(f"Counted {number}", reply_markup=markup)


async def document(update, context):
    file = await update.message.document.get_file()
    content = bytes(await file.download_as_bytearray())
    sent = await update.message.reply_text(f"Got {update.message.document.file_name}: {content.decode()}")
    await sent.edit_text(sent.text + "!")
    await update.message.reply_document(update.message.document.file_id, caption="back")
    await update.message.delete()


async def errors(update, context):
    """Each refusal must arrive as the exception that the library keeps for it."""
    chat = update.effective_chat
    found = []
    for attempt in (
        lambda: chat.send_message("<b>x", parse_mode="HTML"),
        lambda: context.bot.send_message(424242, "x"),
        lambda: context.bot.edit_message_text("x", chat.id, 424242),
        lambda: context.bot.answer_callback_query("1"),
        lambda: context.bot.send_message(int(context.args[0]), "x"),
    ):
        try:
            await attempt()
            found.append("accepted")
        except (BadRequest, Forbidden, RetryAfter) as error:
            found.append(f"{type(error).__name__}: {error.message}")
    await chat.send_message("\n".join(found))


def free_port():
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return place.getsockname()[1]


async def listen(updater, way):
    if way == "polling":
        await updater.start_polling(allowed_updates=Update.ALL_TYPES, timeout=5)
        return
    port = free_port()
    await updater.start_webhook(
        listen="127.0.0.1", port=port, url_path="hook", webhook_url=f"http://127.0.0.1:{port}/hook",
        secret_token="only-the-sandbox-knows", allowed_updates=Update.ALL_TYPES, max_connections=4,
    )
    info = await updater.bot.get_webhook_info()
    assert info.url.endswith("/hook") and info.max_connections == 4, info


async def main():
    address = sys.argv[1]
    application = (
        Application.builder().token("12345:TEST").base_url(f"{address}/bot").base_file_url(f"{address}/file/bot").build()
    )
    application.add_handler(CommandHandler("start", start))
    application.add_handler(CommandHandler("errors", errors))
    application.add_handler(CallbackQueryHandler(pressed))
    application.add_handler(MessageHandler(filters.Document.ALL, document))
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with application:
        me = await application.bot.get_me()
        assert me.id == 12345, me
        commands = [BotCommand("start", "Begin"), BotCommand("errors", "Fail")]
        await application.bot.set_my_commands(commands)
        assert list(await application.bot.get_my_commands()) == commands
        await application.bot.set_my_description("A tiny bot")
        await application.start()
        await listen(application.updater, sys.argv[2])
        print("ready", flush=True)
        await stop.wait()
        await application.updater.stop()
        await application.stop()


asyncio.run(main())
