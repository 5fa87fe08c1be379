# What the bot says, in English. Rules: warm, direct, numbers and the next step first, at most one emoji a line.
# Keys that begin with btn-, toast-, cmd-, bot-, tz-, t- are plain text; the others are Telegram's HTML.
# $kind is the product: wireguard, outline or mtproto. The first two are VPNs; the third one is a proxy.

## Times, states and other pieces

t-left-days = { $n ->
    [one] 1 day left
   *[other] { $n } days left
}
t-left-hours = { $n ->
    [one] 1 hour left
   *[other] { $n } hours left
}
t-left-minutes = { $n ->
    [one] 1 minute left
   *[other] { $n } minutes left
}
t-left-moment = less than a minute left
t-ago-moment = just now
t-ago-minutes = { $n } min ago
t-ago-hours = { $n } h ago
t-ago-days = { $n ->
    [one] 1 day ago
   *[other] { $n } days ago
}
t-span-seconds = { $n } s
t-span-minutes = { $n } min
t-span-hours = { $n } h
t-span-days = { $n ->
    [one] 1 day
   *[other] { $n } days
}
t-date-time = { $month } { $day }, { $time }
t-date-day = { $month } { $day }
t-date-year = { $month } { $day }, { $year }
t-month = { $n ->
    [1] Jan
    [2] Feb
    [3] Mar
    [4] Apr
    [5] May
    [6] Jun
    [7] Jul
    [8] Aug
    [9] Sep
    [10] Oct
    [11] Nov
   *[12] Dec
}
t-usage = { $used } of { $quota }
t-product-wireguard = WireGuard
t-product-outline = Outline
t-product-mtproto = Proxy
t-place = { $place }, { $country }
t-state-pending = being prepared
t-state-node-down = its server does not answer
t-state-time-over = ended
t-state-renewable = ended, can be renewed
t-state-quota-over = out of traffic
t-state-quota = { $percent }% of { $quota }
t-state-paused = paused
t-state-revoked = { $kind ->
    [mtproto] revoked
   *[other] revoked
}
t-state-failed = could not be created
t-terms-unlimited = no traffic limit
t-terms-devices = { $n ->
    [one] 1 device
   *[other] { $n } devices
}
t-terms-free = free
t-purpose-trial = trial
t-purpose-paid = paid
t-role-admin = admin
t-role-superadmin = superadmin

## Home

home-hello = Hello, <b>{ $name }</b> 👋
home-welcome =
    Get a VPN or a proxy that works within a minute.
    This chat is all you need.
home-none = You have no VPN and no proxy yet.
home-trial-hint = { $days ->
    [one] 🎁 A free trial of 1 day is waiting for you.
   *[other] 🎁 A free trial of { $days } days is waiting for you.
}
home-free-hint = 🎁 Something free is waiting for you.
home-proxy-hint = 🎁 A free proxy for Telegram is waiting for you.
home-more = … and { $n } more under “VPN” and “Proxy”.
service-line = { $dot } <b>{ $name }</b> · { $product } · { $place } · { $state }

btn-vpn = 🔐 VPN
btn-proxy = ✈️ Proxy
btn-trial = { $days ->
    [one] 🎁 Try it free for 1 day
   *[other] 🎁 Try it free for { $days } days
}
btn-free = 🎁 Free for you
btn-free-proxy = 🎁 Free proxy
btn-profile = 👤 Profile
btn-status = 🚦 Status
btn-settings = ⚙️ Settings
btn-help = ❓ How it works
btn-system = 🛠 System
btn-home = 🏠 Home
btn-back = ⬅️ Back
btn-cancel = ✖️ Never mind
btn-refresh = 🔄 Refresh
btn-previous = ◀️
btn-next = ▶️
btn-page = { $page } of { $pages }

## My VPNs, my proxies and their cards

vpn-title = 🔐 <b>Your VPNs</b>
vpn-hint = Tap one to see its file or link, its QR code and what is left of it.
vpn-empty = You have none yet.
proxy-title = ✈️ <b>Your proxies for Telegram</b>
proxy-about = With a proxy, Telegram works even where it is blocked. Nothing else on your phone changes.
proxy-hint = Tap one to connect.
proxy-empty = You have none yet.
proxy-none =
    You have none yet, and no server gives any right now.
    Have another look in a while.
btn-service = { $dot } { $name } · { $state }
btn-my-vpn = 🔐 My VPNs
btn-my-proxies = ✈️ My proxies

card-title = { $dot } <b>{ $name }</b>
card-server = { $product } · { $place } ({ $node })
card-trial = { $product } trial · { $place } ({ $node })
card-free = Free { $product } · { $place } ({ $node })
card-ends = Ends { $date } ({ $left })
card-ended = Ended { $date }
card-starts-later = Its time starts to count once it works.
card-usage = { $usage }  { $bar }
card-usage-unlimited = { $used } used, no limit
card-days = Last { $n } days: { $bars } (today { $today })
card-devices = { $n ->
    [one] For 1 device at a time
   *[other] Up to { $n } devices at a time
}
card-handshake = Last connection: { $ago }
card-handshake-never = It has never connected so far.
card-unused = It has not been used so far.
card-own-key = 🔑 It uses your own key; only you have the private one.
card-pending = { $kind ->
    [mtproto] ⏳ It is being prepared. I will tell you here as soon as it works.
   *[other] ⏳ It is being prepared. I will tell you here as soon as it works.
}
card-node-down =
    ⚠️ Its server does not answer right now.
    Everything is back as soon as the server is; there is nothing you need to do.
card-config-only =
    ⚠️ No tunnel is up on this machine right now.
    The file is real, but it will not connect to anything.
card-over-expiry = Its time is over, so it no longer connects.
card-over-quota = All its traffic is used up, so it no longer connects.
card-over-hint = { $kind ->
    [mtproto] You can revoke it to take it off your list.
   *[other] You can revoke it to take it off your list.
}
card-over-admin = { $kind ->
    [mtproto] An admin paused it. If you think that is a mistake, talk to whoever invited you to this bot.
   *[other] An admin paused it. If you think that is a mistake, talk to whoever invited you to this bot.
}
card-renewable = { $kind ->
    [wireguard] ⏩ Renew it for free before { $date } and it comes back as it was: the file you have works again.
   *[other] ⏩ Renew it for free before { $date } and it comes back as it was: the link you have works again.
}
card-renewable-quota = ⏩ Renew it for free and it has traffic again.
card-expired = Its time is over and it no longer exists on the server.
card-revoked = { $kind ->
    [mtproto] It is revoked and no longer connects.
   *[other] It is revoked and no longer connects.
}
card-failed = { $kind ->
    [mtproto] The server could not create it. We are sorry.
   *[other] The server could not create it. We are sorry.
}

btn-file = 📄 File
btn-link = 🔗 Link
btn-connect = ✈️ Connect
btn-connect-plain = ✈️ Connect undisguised
btn-qr = 🔳 QR
btn-rename = ✏️ Name
btn-rotate = 🔁 Change key
btn-move = 🌍 Move
btn-renew = ⏩ Renew for free
btn-revoke = 🗑 Revoke
btn-ios = 📱 iPhone
btn-android = 🤖 Android
btn-pc = 💻 PC

## From what is free to what works

choice-title =
    🎁 <b>Free for you</b>
    What do you need?
choice-wireguard =
    🔐 <b>WireGuard</b> · { $terms }
    The fastest VPN, for the whole phone or computer.
choice-outline =
    🗝 <b>Outline</b> · { $terms }
    A VPN that holds where others are blocked. A link turns it on.
choice-mtproto =
    ✈️ <b>Proxy</b> · { $terms }
    For Telegram alone, nothing to install.
btn-try-wireguard = 🔐 WireGuard
btn-try-outline = 🗝 Outline
btn-try-mtproto = ✈️ Proxy for Telegram

offer-trial-title = { $n ->
    [one] 🎁 <b>{ $product }: free trial for 1 day</b>
   *[other] 🎁 <b>{ $product }: free trial for { $n } days</b>
}
offer-free-title = { $n ->
    [one] 🎁 <b>{ $product }: free for 1 day</b>
   *[other] 🎁 <b>{ $product }: free for { $n } days</b>
}
offer-quota = { $quota } of traffic, nothing to pay.
offer-unlimited = No traffic limit, nothing to pay.
offer-counts-trial = The days count from the moment it works. One trial per person.
offer-counts-free = The days count from the moment it works, and before they end you renew it for free.
offer-about-wireguard =
    You get a file that opens with the free WireGuard app.
    Do you know it already? You can use your own key as well.
offer-about-outline =
    You get a link to paste into the free Outline app.
    It holds well where other VPNs are blocked.
offer-about-mtproto =
    Nothing to install: tap “Connect” and Telegram goes through your proxy.
    It is for Telegram alone.
btn-trial-take = 🎁 Get my trial
btn-free-take = 🎁 Yes, I want it
btn-own-key = 🔑 Use my own key
btn-choose-server = 🌍 Choose the server

servers-title = { $kind ->
    [mtproto] 🌍 <b>Where do you want your proxy?</b>
   *[other] 🌍 <b>Where do you want your VPN?</b>
}
servers-hint = The nearer and the emptier, the faster. The percentage says how full it is.
servers-none =
    Right now no server both answers and has room.
    Try again in a while; nothing is lost.
btn-best = ⚡ The best one now
btn-server = { $place } · { $load }%

trial-used = You used your { $product } trial on { $date }. There is one per person.
trial-used-here = Here it is:
btn-card-of-trial = 🔐 See my trial
trial-pool-full =
    There is no room for more { $product } right now.
    The admins know already. Nothing is lost: try again in a few hours.
trial-no-node =
    No server gives { $product } right now.
    Nothing is lost: try again in a while.
trial-node-down =
    The { $product } servers do not answer right now.
    Nothing is lost: try again in a while.
trial-have-one = { $kind ->
    [mtproto] You have a free proxy already, and there is one per person.
   *[other] You have a free { $product } VPN already, and there is one per person.
}
trial-too-many = { $n ->
    [one] You have a service already, and that is as many as one can have.
   *[other] You have { $n } services already, and that is as many as one can have.
}
    Revoke one that you do not use and ask for this one again.
trial-others = In the meantime, this you can have for free:
trial-others-too = But this you can have for free:
btn-card-of-free = { $kind ->
    [mtproto] ✈️ See my proxy
   *[other] 🔐 See my VPN
}
btn-retry = 🔄 Try again

preparing = { $kind ->
    [mtproto] ⏳ Preparing your proxy…
   *[other] ⏳ Preparing your { $product }…
}
preparing-hint = It usually takes a few seconds; this message will change by itself.
btn-look = 🔄 See how it goes
waiting = ⏳ The server in { $place } does not answer at the moment.
waiting-new = { $kind ->
    [mtproto] Your proxy “{ $name }” is saved and will be created as soon as it is back. I will tell you here; there is nothing you need to do.
   *[other] Your VPN “{ $name }” is saved and will be created as soon as it is back. I will tell you here; there is nothing you need to do.
}
waiting-key = The new key of “{ $name }” is saved and takes effect as soon as it is back. I will tell you here; there is nothing you need to do.
ready = { $kind ->
    [mtproto] ✅ <b>Done.</b> Your proxy “{ $name }” works until { $date } ({ $left }).
   *[other] ✅ <b>Done.</b> Your VPN “{ $name }” works until { $date } ({ $left }).
}
ready-next = { $kind ->
    [mtproto] Tap “Connect” and Telegram goes through it.
    [outline] Copy its link and paste it into the Outline app; the buttons below tell you how.
   *[wireguard] Open its file with the WireGuard app; the buttons below tell you how.
}
ready-config-only =
    ✅ <b>Your file is ready.</b> “{ $name }” is good until { $date } ({ $left }).

    ⚠️ But no tunnel is up on this machine: the file is real and will not connect to anything.
ready-own-key = 🔑 In the file, write your private key on the <code>PrivateKey</code> line.
failed = { $kind ->
    [mtproto] ❌ We could not create “{ $name }”. We are sorry; you can ask for it again. If it fails once more, try tomorrow.
   *[other] ❌ We could not create “{ $name }”. We are sorry; you can ask for it again. If it fails once more, try tomorrow.
}
btn-name-it = ✏️ Give it a name

## Notices

reminder = ⏰ “{ $name }” ends on { $date } ({ $left }).
reminder-renew = Renew it for free with the button and it goes on as it is, without a break.
reminder-trial = It is your trial: after that it no longer connects.
reminder-other = After that it no longer connects. If you want to go on, talk to whoever gave it to you.
quota-near = 🟡 “{ $name }” has little traffic left.
quota-near-hint = Once that is used up, it no longer connects.
quota-near-renew = Once that is used up, it no longer connects until you renew it, which is free.
ended =
    🔴 “{ $name }” ended on { $date }.
    It no longer connects. Its card shows what you used.
ended-renewable =
    🔴 “{ $name }” ended on { $date }.
    It no longer connects.
ended-for-good =
    🔴 “{ $name }” cannot be brought back any more.
    It ended on { $date } and its key was deleted from the server.
ended-some =
    🔴 One of your services ended.
    It no longer connects. Have a look at those you still have.
over-quota =
    🔴 “{ $name }” has used up its { $quota } of traffic.
    It no longer connects. Its card shows what you used.
over-quota-some =
    🔴 One of your services has used up its traffic.
    It no longer connects. Have a look at those you still have.
btn-card = { $kind ->
    [mtproto] ✈️ See “{ $name }”
   *[other] 🔐 See “{ $name }”
}

## Files and links

file-caption = 📄 <b>{ $name }</b>. Open it with the WireGuard app. It is for you alone: whoever has it uses your VPN.
file-caption-own-key = 📄 <b>{ $name }</b>. Before you use it, write your private key on the <code>PrivateKey</code> line.
qr-caption = { $kind ->
    [mtproto] 🔳 <b>{ $name }</b>. Scan it with the camera of another phone that has Telegram. It is for you alone: whoever sees it can use your proxy.
    [outline] 🔳 <b>{ $name }</b>. Scan it with the camera of another phone that has Outline. It is for you alone: whoever sees it can use your VPN.
   *[wireguard] 🔳 <b>{ $name }</b>. Scan it in the WireGuard app with “+”. It is for you alone: whoever sees it can use your VPN.
}
link-outline =
    🗝 <b>{ $name }</b>
    Tap the link to copy it and paste it into the Outline app:
link-mtproto =
    ✈️ <b>{ $name }</b>
    Tap “Connect” and confirm: Telegram goes through your proxy.
link-mtproto-copy = Or tap the link to copy it:
link-mtproto-tls = It looks like any web page, so it is hard to block. Tap the link to copy it:
link-mtproto-plain = If that one does not connect, try it undisguised:
link-private = { $kind ->
    [mtproto] It is for you alone: whoever has it uses your proxy.
   *[other] It is for you alone: whoever has it uses your VPN.
}

howto-ios =
    📱 <b>On iPhone or iPad</b>

    1. Install <a href="https://apps.apple.com/app/wireguard/id1441195209">WireGuard</a> from the App Store.
    2. Tap “File” below, open <code>{ $file }</code> and share it with WireGuard.
    3. Allow the VPN and turn the switch on.
howto-android =
    🤖 <b>On Android</b>

    1. Install <a href="https://play.google.com/store/apps/details?id=com.wireguard.android">WireGuard</a> from Google Play.
    2. Tap “File” below and download <code>{ $file }</code>.
    3. In the app tap “+”, “Import from file”, and turn the switch on.

    Is it for another phone? Ask for the QR code and scan it with “+” in its app.
howto-pc =
    💻 <b>On your computer</b>

    1. Install <a href="https://www.wireguard.com/install/">WireGuard</a> for Windows, macOS or Linux.
    2. Tap “File” below and download <code>{ $file }</code>.
    3. In the app choose “Import tunnel from file” and press “Activate”.

    On Linux this works as well: <code>sudo wg-quick up ./{ $file }</code>
howto-outline-ios =
    📱 <b>On iPhone or iPad</b>

    1. Install <a href="https://apps.apple.com/app/outline-app/id1356177741">Outline</a> from the App Store.
    2. Tap “Link” below and copy the link I send you.
    3. Open Outline, tap “+”, paste the link and tap “Connect”.
howto-outline-android =
    🤖 <b>On Android</b>

    1. Install <a href="https://play.google.com/store/apps/details?id=org.outline.android.client">Outline</a> from Google Play.
    2. Tap “Link” below and copy the link I send you.
    3. Open Outline, tap “+”, paste the link and tap “Connect”.
howto-outline-pc =
    💻 <b>On your computer</b>

    1. Install <a href="https://getoutline.org/get-started/#step-3">Outline</a> for Windows, macOS or Linux.
    2. Tap “Link” below and copy the link I send you.
    3. Open Outline, click “+”, paste the link and click “Connect”.

## Changing a service

ask-name =
    ✏️ What would you like to call “{ $name }”?
    Write it here, { $max } letters at most.
name-empty = That name has nothing in it that one can see.
name-too-long = That name is too long.
ask-own-key =
    🔑 Paste your WireGuard <b>public key</b> here.
    It is 44 letters and digits ending in “=”. Never give your private key to anyone, not even to me.
key-not-a-key = That is not a WireGuard public key.
key-low-order = That key is not safe: anyone could read your traffic. Make a new pair in your app.
ask-rotate = 🔁 Change the key of “{ $name }”?
ask-rotate-hint = { $kind ->
    [wireguard] The current file stops working at once and I will send you a new one.
   *[other] The current link stops working at once and I will send you a new one.
}
key-on-its-way =
    ⏳ The last key of “{ $name }” is still on its way to the server in { $place }.
    I will tell you here as soon as it works; there is nothing you need to do. After that it can be changed again.
btn-rotate-now = 🔁 Yes, change it
key-taken =
    🔑 That key is already in use, so it cannot be used here.
    Make a new pair of keys in your app and paste its public key here.
ask-move =
    🌍 Where shall I move “{ $name }”?
    Now it is in { $place }.
ask-move-hint = { $kind ->
    [wireguard] The current file stops working and I will send you a new one. Its name, its end and what you used stay the same.
   *[other] The current link stops working and I will send you a new one. Its name, its end and what you used stay the same.
}
move-none =
    There is no other server to move “{ $name }” to right now.
    It stays where it is, in { $place }.
ask-renew = { $n ->
    [one] ⏩ Renew “{ $name }” for 1 more day? It is free.
   *[other] ⏩ Renew “{ $name }” for { $n } more days? It is free.
}
ask-renew-until = It would end on { $date }.
btn-renew-now = ⏩ Yes, renew it
renewed = ✅ “{ $name }” goes on until { $date } ({ $left }).
renewed-hint = { $kind ->
    [wireguard] There is nothing to change: the file you have goes on working.
   *[other] There is nothing to change: the link you have goes on working.
}
ask-revoke =
    🗑 Revoke “{ $name }”? It will stop working at once.
    This cannot be undone.
ask-revoke-trial = It is your free trial and you will not get another one.
ask-revoke-free = { $kind ->
    [mtproto] It is free: you can ask for another one afterwards.
   *[other] It is free: you can ask for another one afterwards.
}
btn-revoke-now = 🗑 Yes, revoke it
btn-keep = { $kind ->
    [mtproto] ⬅️ No, keep it
   *[other] ⬅️ No, keep it
}
revoked = { $kind ->
    [wireguard] 🗑 “{ $name }” is revoked: it no longer connects and its file no longer works.
    [outline] 🗑 “{ $name }” is revoked: it no longer connects and its link no longer works.
   *[mtproto] 🗑 “{ $name }” is revoked: it no longer connects and its link no longer works.
}
revoked-some = 🗑 Done: it no longer connects and what I sent you no longer works.

## Me and my settings

profile-title = 👤 <b>{ $name }</b>
profile-username = Username: @{ $username }
profile-id = Id: { $id }
profile-since = Here since: { $date }
profile-seen = Last visit: { $ago }
profile-services = { $n ->
    [0] Services: none yet
    [one] Services: 1
   *[other] Services: { $n }
}
profile-role = Role: { $role }
profile-blocked = 🚫 Has blocked the bot.
btn-privacy = 🔒 Privacy
btn-terms = 📜 Terms

status-good = { $n ->
    [one] ✅ <b>All is well.</b> What you have and its server work.
   *[other] ✅ <b>All is well.</b> Your { $n } services and their servers work.
}
status-bad = ⚠️ <b>Something is not quite right.</b>
status-none = You have nothing running, so there is nothing of yours to watch over.
status-servers = <b>The servers</b>
status-up = { $n ->
    [one] 🟢 { $product }: answers
   *[other] 🟢 { $product }: all { $n } answer
}
status-some = { $up ->
    [one] 🟡 { $product }: 1 of { $all } answers
   *[other] 🟡 { $product }: { $up } of { $all } answer
}
status-down = 🔴 { $product }: does not answer right now; we know
status-maintenance = 🟡 { $product }: under maintenance

settings-title = ⚙️ <b>Settings</b>
settings-language = Language: <b>{ $language }</b>
settings-zone = Time zone: <b>{ $zone }</b> (it is { $time } there)
settings-reminders-on = Reminders: <b>yes</b>, 3 days, 1 day and 2 hours before something ends
settings-reminders-off = Reminders: <b>no</b>
settings-quiet-on = Quiet hours: <b>from { $from } to { $to }</b>
settings-quiet-off = Quiet hours: <b>no</b>
btn-language = 🌐 Language
btn-zone = 🕐 Time zone
btn-reminders-on = 🔔 Yes, remind me
btn-reminders-off = 🔕 Do not remind me
btn-quiet-on = 🌙 Quiet at night
btn-quiet-off = 🌞 No quiet hours
languages-title = 🌐 <b>Which language shall we speak?</b>
btn-language-name = English
btn-chosen = ✔ { $name }
zones-title = 🕐 <b>Where are you?</b>
zones-hint = Choose a city with the same time as yours. You use { $zone } now.
btn-zone-name = { $city } · { $time }
toast-saved = ✅ Saved
toast-already-done = That is done already.

## Help and rules

help =
    ❓ <b>How it works</b>

    1. You ask for your VPN or proxy with two taps.
    2. I send you a file or a link, and tell you which free app opens it.
    3. You turn the switch on and browse.

    /vpn your VPNs: file, link, QR code, key
    /proxy your proxies for Telegram
    /trial what is free
    /status whether everything of yours works
    /profile who you are here
    /settings language, time and notices
    /cancel leaves what we are doing
    /privacy and /terms what I keep, and the rules
help-admin =
    🛠 <b>For admins</b>
    /nodes servers
    /pools addresses
    /deadletters messages that failed
    /user and a number: someone’s card
help-grant =
    /plans the plans
    /grant a number and a plan: give a service
privacy =
    🔒 <b>What I know about you</b>

    I keep your Telegram id, name and username, your language and time zone, and when you were here.
    Of each service: its name, its server, how much traffic it uses each day and, for WireGuard, its internal addresses and its last connection.
    Keys are kept encrypted. If you use your own key, I never have the private one.

    <b>I do not keep</b> which pages you visit, what you do through the VPN or the proxy or where you connect from.

    What you write to me is kept for { $days ->
        [one] 1 day
       *[other] { $days } days
    }, in case something fails and has to be repeated; then its content is erased.
    Every change is written down: who, what and when. Admins can see your card, not your traffic.
terms =
    📜 <b>The rules, in short</b>

    Use all this for what is legal where you are.
    No spam, attacks, fraud or reselling of access. Whoever abuses it loses it.
    Each trial can be had once per person, and of what is free without being a trial one at a time; /trial tells you what there is and how long it lasts.
    I do my best to keep everything working, but a server can fail: see /status.
    Everything here is free today; nobody should ask you for money in my name.

## When something does not fit

cancelled = 👌 Never mind then. Nothing was changed.
nothing-to-cancel = There is nothing to cancel. Here is the menu:
unknown-command = I do not know that command. /help lists those I know.
unexpected-text = Thanks for writing, but I was not waiting for a text just now. These buttons are what I do:
unexpected-kind = I only understand texts and buttons. What I do is here:
old-button = That button is from before and no longer works. These do:
offer-gone =
    That offer is gone: it is too old or was used already.
    Ask for it again and you are back where you were.
no-such-service =
    That is no longer among yours.
    It may have ended, or you revoked it. What you have is here:
not-allowed = That is for admins only. What is yours is here:
slow-down =
    🐢 You are faster than I am.
    I read the first messages and left the rest unread. Wait a few seconds and repeat the last one.
apology =
    😕 Something broke on our side with what you just sent.
    We noted it down and will look into it. You can go on with everything else.
    ref: <code>{ $code }</code>
toast-refuse-checkout = Nothing is sold here yet. You have not been charged.

## Administration

system-title = 🛠 <b>System</b>
system-users = Users: { $total } ({ $day } in the last 24 h)
system-services = Services: { $list }
system-services-none = Services: none
system-product = · { $product }: { $list }
t-status-pending = { $count } waiting
t-status-active = { $n ->
    [one] 1 active
   *[other] { $count } active
}
t-status-suspended = { $count } paused
t-status-expired = { $n ->
    [one] 1 expired
   *[other] { $count } expired
}
t-status-revoked = { $n ->
    [one] 1 revoked
   *[other] { $count } revoked
}
t-status-failed = { $n ->
    [one] 1 failed
   *[other] { $count } failed
}
t-out-replies = { $n ->
    [one] 1 reply
   *[other] { $count } replies
}
t-out-deliveries = { $n ->
    [one] 1 delivery
   *[other] { $count } deliveries
}
t-out-notices = { $n ->
    [one] 1 notice
   *[other] { $count } notices
}
system-pending-oldest = The longest wait so far: { $span }
system-inbox = In: { $count } not handled yet
system-inbox-none = In: everything is handled
system-inbox-oldest = In: { $count } not handled yet, the oldest for { $span }
system-outbox = Out: { $list }
system-outbox-none = Out: nothing waits
system-outbox-oldest = Out: { $list }; the oldest for { $span }
system-dead = 📮 Messages that failed: { $n }
system-alerts-none = ✅ No open alert
system-alerts = <b>Open alerts:</b>
system-more = … and { $n } more.
btn-nodes = 🖥 Servers
btn-pools = 🧮 Addresses
btn-dead-letters = 📮 Failed ({ $n })

nodes-title = 🖥 <b>Servers</b>
nodes-none = There is none. Add one under [[nodes]] in the settings.
node-line = { $dot } <b>{ $name }</b> · { $product } · { $place } · { $counts }
node-title = { $dot } <b>{ $name }</b> · { $place }
node-mode = { $mode } · <code>{ $endpoint }</code>
node-room = { $services } of { $capacity } places taken
node-draining = ⏸ Draining: it gets nothing new.
node-maintenance = 🔧 Under maintenance: it gets nothing new, and nobody is alarmed when it does not answer.
node-removed = 🗑 Removed.
node-gone = That server is not there.
btn-node = { $dot } { $name }
btn-node-activate = ▶️ Activate
btn-node-drain = ⏸ Drain
btn-node-maintain = 🔧 Maintenance
btn-node-remove = 🗑 Remove
btn-node-forget = ⚠️ It no longer exists
btn-look-node = 🖥 See { $name }
ask-node-activate =
    ▶️ Activate <b>{ $name }</b>?
    It will get new services again.
ask-node-drain =
    ⏸ Drain <b>{ $name }</b>?
    What is on it goes on working, but it gets nothing new.
ask-node-maintain =
    🔧 Put <b>{ $name }</b> under maintenance?
    It gets nothing new, and no alert is raised when it does not answer.
ask-node-remove =
    🗑 Remove <b>{ $name }</b> for good?
    That works only when no service is left on it.
ask-node-forget =
    ⚠️ Does <b>{ $name }</b> no longer exist?
    Keys that are still on it are given up. If it still runs, they go on working for ever.
btn-node-sure = ✔ Yes
node-in-use = { $n ->
    [one] <b>{ $name }</b> cannot be removed yet: 1 service lives on it.
   *[other] <b>{ $name }</b> cannot be removed yet: { $n } services live on it.
}
node-in-use-hint = Drain it so that it gets no more, and remove it once it is empty.
node-keys-left = { $n ->
    [one] <b>{ $name }</b> cannot be removed yet: 1 key is still to be taken off it.
   *[other] <b>{ $name }</b> cannot be removed yet: { $n } keys are still to be taken off it.
}
node-keys-left-hint = That happens by itself while it answers: remove it in a moment. Only if the server is gone for good, say that it no longer exists.
node-foreign = { $n ->
    [one] It has 1 foreign key; we leave it alone.
   *[other] It has { $n } foreign keys; we leave them alone.
}
node-config-only = ⚠️ Configs only: no tunnel is up.
node-down = No answer for { $span }.
node-never-seen = Not looked at yet.
node-error = <code>{ $error }</code>

## Adding a server of keys

btn-add-server = ➕ Add a server
btn-add-outline = Outline
btn-add-telemt = Telegram proxy (telemt)
btn-server-leave = ⏭ As usual
add-server =
    ➕ <b>Add a server</b>
    What runs on it?
add-server-wireguard = A WireGuard server needs set-up on its own machine, so it is added under [[nodes]] in the settings.
server-ask-name =
    ➕ What is the server to be called?
    Up to 32 letters, digits, hyphens, dots or underscores, such as <code>fra-1</code>.
server-ask-country =
    🌍 Where does it stand?
    Write the country’s two letters and, if you like, the city: <code>DE Frankfurt</code>.
server-ask-capacity =
    🧮 How many services may it hold?
    At most { $most }, which is also what it gets if you leave this as usual.
server-ask-place =
    📍 Where do its users connect?
    Write host and port as they see them: <code>proxy.example.com:443</code>.
server-ask-domain =
    🎭 Which web site does it pretend to be?
    Write tls_domain of its file, such as <code>www.example.com</code>. As usual: none, and there are no secrets with ee.
server-ask-outline =
    🔑 Paste what Outline’s installer printed at its end:
    <code>{"{"}"apiUrl":"https://…","certSha256":"…"{"}"}</code>
    It is also in /opt/outline/access.txt on the server.
server-ask-telemt =
    🔑 Paste the address of its management interface, such as <code>http://10.0.0.5:9091</code>.
    If its file sets auth_header, write that text on a second line.
server-secret-hint = The server is asked at once whether it is so. Your message is taken out of this chat, since it holds a secret.
server-bad-name = ✋ That cannot be a name here.
server-name-taken = ✋ Another server has that name, or had it. Choose another one; nothing else is asked again but the secret.
server-bad-country = ✋ That does not begin with a country’s two letters.
server-bad-capacity = ✋ That is no number from 1 to { $most }.
server-bad-place = ✋ That is not a host and a port.
server-bad-domain = ✋ That is not the name of a web site.
server-bad-outline = ✋ That is not what Outline’s installer prints. Copy the whole line, with its braces.
server-bad-telemt = ✋ That is not an address that begins with http:// or https://, with at most one more line.
server-known = ✋ That leads to <b>{ $name }</b>, which is here already.
server-certificate =
    🔴 The server shows another certificate than the one you pasted; it is not added.
    It shows <code>{ $seen }</code>
    If it was installed anew, copy both from its access.txt again. Otherwise somebody is in between.
server-answer =
    🔴 The server does not answer as it should; it is not added.
    <code>{ $error }</code>
server-added = ✅ <b>{ $name }</b> is added and gets new services from now on.

plans-title = 🏷 <b>Plans</b>
plans-none = There is none. Add one under [[plans]] in the settings.
plans-product = <b>{ $product }</b>
plan-line = <code>{ $code }</code> · { $terms }
plans-hint = To give one: <code>/grant 123456789 { $code }</code>
btn-plans = 🏷 Plans
grant-usage =
    Write the person’s number and the plan’s code:
    <code>/grant 123456789 { $code }</code>
grant-no-plan = There is no plan <code>{ $plan }</code>. Those there are stand in /plans.
ask-grant = 🎁 Give <b>{ $name }</b> ({ $id }) this service?
btn-grant-now = 🎁 Yes, give it
granted = ✅ Done. “{ $service }” is for <b>{ $name }</b>; I send it as soon as it works.
granted-some = ✅ Done. I send it as soon as it works.

pools-title = 🧮 <b>Addresses</b>
pools-none = There is no pool of addresses.
pool-title = { $dot } <b>{ $node }</b> · { $purpose }
pool-networks = <code>{ $networks }</code>
pool-counts = { $n ->
    [one] { $live } in use, { $resting } resting, 1 free of { $total }
   *[other] { $live } in use, { $resting } resting, { $free } free of { $total }
}
pool-counts-endless = { $live } in use, { $resting } resting, plenty free
pool-forecast-days = { $n ->
    [0] At this week’s pace it is full today.
    [one] At this week’s pace it lasts 1 day.
   *[other] At this week’s pace it lasts { $n } days.
}
pool-forecast-none = Nobody asked for one this week.
pool-forecast-far = At this week’s pace it lasts more than a year.

dead-title = 📮 <b>Messages that failed</b>
dead-none = ✅ None. All that came was handled.
dead-hint = { $n ->
    [one] There is 1. Tap to read or repeat it.
   *[other] There are { $n }. Tap one to read or repeat it.
}
btn-dead-letter = #{ $id } · { $code } · { $ago }
btn-dead-letter-done = ✔ #{ $id } · { $code } · { $ago }
dead-letter-title = 📮 <b>Message #{ $id }</b> · ref: <code>{ $code }</code>
dead-letter-about = { $n ->
    [one] 1 attempt · { $ago } · lane { $lane }
   *[other] { $n } attempts · { $ago } · lane { $lane }
}
dead-letter-user = From: { $user }
dead-letter-error = <code>{ $error }</code>
dead-letter-replayed = 🔁 It was repeated { $ago }.
dead-letter-gone = That message is no longer there: it was deleted when its time was up.
btn-replay = 🔁 Repeat it
btn-user = 👤 Who is it?
btn-dead-list = 📮 See those that failed
replayed = 🔁 Message #{ $id } is back in the inbox and is handled now.

user-unknown = I know nobody with the id { $id }. Perhaps they never opened the bot.
user-usage =
    Write the person’s number behind the command:
    <code>/user 123456789</code>
user-language = Language: { $language } · { $zone }

## Help for one person

care-gone =
    That service is not there any more, or that cannot be done with it any more.
    Go back to the card and see how it is now.
care-reason-expiry = Paused because its time is over. More days bring it back.
care-reason-quota = Paused because its traffic is used up.
care-reason-admin = Paused by an administrator.
care-ask-pause =
    ⏸ Pause <b>{ $name }</b>?
    It stops connecting until somebody lifts the pause.
care-ask-resume =
    ▶️ Lift the pause of <b>{ $name }</b>?
    If its traffic was used up, it counts from zero again. If its time is over, give it more days.
care-ask-extend = { $n ->
    [one] ➕ Give <b>{ $name }</b> 1 more day?
   *[other] ➕ Give <b>{ $name }</b> { $n } more days?
}
care-ask-revoke =
    🗑 Revoke <b>{ $name }</b>?
    It stops connecting now, and does not come back.
care-told = Its owner is told right away, in their language.
cared-pause =
    ⏸ An administrator paused “{ $name }”.
    It does not connect any more. If you think it is a mistake, talk to whoever invited you to this bot.
cared-resume =
    ▶️ An administrator opened “{ $name }” again.
    Its card says how it is now; what you have is still good.
cared-extend = { $n ->
    [one] 🎁 An administrator gave you 1 more day: “{ $name }” lasts until { $date }.
   *[other] 🎁 An administrator gave you { $n } more days: “{ $name }” lasts until { $date }.
}
cared-revoke =
    🗑 An administrator revoked “{ $name }”.
    It does not connect any more and does not come back. If you think it is a mistake, talk to whoever invited you to this bot.
btn-care-pause = ⏸ Pause
btn-care-resume = ▶️ Lift the pause
btn-care-extend = { $n ->
    [one] ➕ 1 day
   *[other] ➕ { $n } days
}

## Promotion of a proxy

node-promoted = 📣 Promotes a channel: { $tag }
promotion-title = 📣 <b>Promote { $name }</b> · step { $n } of 4
promotion-start =
    Whoever uses the proxies of this server will see your channel on top of their list.
    Open @MTProxybot and send it the command; then go on here.
promotion-place = @MTProxybot asks for server and port. Copy them and send them together.
promotion-secret =
    Now it asks for the secret. Copy it and send it as it is.
    It is nobody’s and only good for registering: give it to no user.
promotion-tag =
    @MTProxybot answers with a tag of 32 digits and letters. Paste that answer here, all of it if you like.
    Do not hand out the link it gives: each user has their own.
promotion-over =
    The registration of <b>{ $name }</b> is not open any more.
    Begin again; no tag was lost.
tag-none = ❌ There is no tag in that: it is 32 digits and letters from a to f.
tag-zeros = ❌ A tag of zeros will not do: it means no promotion.
tag-secret = ❌ That is a secret of this server, not the tag. The tag is what @MTProxybot answers at the end.
tag-several = ❌ Several of those could be it. Paste the tag alone.
promoted =
    ✅ <b>{ $name }</b> has its tag now.
    All its users get it within a minute.
promoted-next =
    The channel is still missing: send @MTProxybot the command, choose the server, “Set promotion” and the link of a public channel.
    Telegram takes about an hour. Who is in the channel already does not see it.
ask-unpromote =
    📣 Take the promotion off <b>{ $name }</b>?
    Its users stop seeing the channel. The tag is not kept.
btn-promote = 📣 Promote a channel
btn-promote-again = 📣 Another tag
btn-unpromote = 🗑 End promotion
btn-mtproxybot = ✈️ Open @MTProxybot
btn-copy = 📋 Copy { $what }
btn-copy-place = 📋 Copy server and port
btn-copy-host = 📋 Server
btn-copy-port = 📋 Port
btn-copy-secret = 📋 Copy the secret
btn-step-next = Next ▶️

## Alerts

alert-since = For { $span } now.
alert-times = It happened { $n } times.
alert-gone = ✅ There was an alert, but it is gone.
alert-lasted = It lasted { $span }.
alert-node-down = 🔴 <b>{ $node }</b> does not answer.
alert-foreign = { $n ->
    [one] 🟡 <b>{ $node }</b> has 1 key that is not ours. We leave it alone.
   *[other] 🟡 <b>{ $node }</b> has { $n } keys that are not ours. We leave them alone.
}
alert-pool = { $n ->
    [one] 🟡 <b>{ $node }</b> has 1 of { $total } addresses left ({ $purpose }).
   *[other] 🟡 <b>{ $node }</b> has { $free } of { $total } addresses left ({ $purpose }).
}
alert-server-full = 🟡 <b>{ $node }</b> has few places left: { $used } of { $capacity } taken.
alert-probe = 🔴 <b>{ $node }</b> answers, but does not serve its users.
alert-actor = 🟡 “{ $actor }” failed again and again and is paused.
alert-dead = { $n ->
    [one] 🟡 1 message could not be handled.
   *[other] 🟡 { $n } messages could not be handled.
}
alert-telegram = 🔴 Telegram does not accept us.
alert-payment =
    🔴 A payment came that nobody expected.
    It has to be returned by hand; when that is done, say so with the button.
alert-payment-line = 🔴 A payment came that nobody expected and has to be returned by hand.
alert-secret = 🔴 On <b>{ $node }</b> the secret of service { $service } cannot be opened. The others go on; look at the master key file.
btn-settle = ✔ It is settled
alert-late = { $n ->
    [one] 🔴 1 service waits for its server longer than it should.
   *[other] 🔴 { $n } services wait for their server longer than they should.
}
over-node-down = ✅ <b>{ $node }</b> answers again.
over-foreign = ✅ <b>{ $node }</b> has no foreign keys any more.
over-pool = ✅ <b>{ $node }</b> has free addresses again ({ $purpose }).
over-server-full = ✅ <b>{ $node }</b> has places again.
over-probe = ✅ <b>{ $node }</b> serves its users again.
over-actor = ✅ “{ $actor }” works again.
over-dead = ✅ No failed messages are left to look at.
over-telegram = ✅ Telegram accepts us again.
over-payment = ✅ The unexpected payment is settled.
over-late = ✅ No service waits for its server any more.
over-secret = ✅ On <b>{ $node }</b> the secret of service { $service } can be opened again.

## What Telegram shows of the bot

cmd-start = Home: what is yours and the menu
cmd-vpn = Your VPNs: file, link, QR code, key
cmd-proxy = Your proxies for Telegram
cmd-trial = What is free
cmd-status = Does all of mine work?
cmd-profile = Who I am here
cmd-settings = Language, time and notices
cmd-help = How it works
cmd-cancel = Leave what we are doing
cmd-privacy = What I know about you
cmd-terms = The rules, in short
cmd-nodes = Servers
cmd-pools = Addresses
cmd-plans = Plans
cmd-grant = Give a service: number and plan
cmd-deadletters = Messages that failed
cmd-user = Someone’s card: their number
bot-description =
    A VPN or a proxy that works within a minute, without leaving Telegram.

    Press “Start”, ask for what is free and get your WireGuard, your Outline or your proxy for the phone or the computer.
bot-short-description = Your VPN or proxy in a minute, without leaving Telegram. Free trial.

## Cities of the time zones

tz-america-havana = 🇨🇺 Havana
tz-america-mexico-city = 🇲🇽 Mexico City
tz-america-cancun = 🇲🇽 Cancún
tz-america-tijuana = 🇲🇽 Tijuana
tz-america-guatemala = 🇬🇹 Guatemala
tz-america-tegucigalpa = 🇭🇳 Tegucigalpa
tz-america-el-salvador = 🇸🇻 San Salvador
tz-america-managua = 🇳🇮 Managua
tz-america-costa-rica = 🇨🇷 San José
tz-america-panama = 🇵🇦 Panama City
tz-america-santo-domingo = 🇩🇴 Santo Domingo
tz-america-puerto-rico = 🇵🇷 San Juan
tz-america-bogota = 🇨🇴 Bogotá
tz-america-caracas = 🇻🇪 Caracas
tz-america-guayaquil = 🇪🇨 Quito
tz-america-lima = 🇵🇪 Lima
tz-america-la-paz = 🇧🇴 La Paz
tz-america-asuncion = 🇵🇾 Asunción
tz-america-santiago = 🇨🇱 Santiago
tz-america-buenos-aires = 🇦🇷 Buenos Aires
tz-america-montevideo = 🇺🇾 Montevideo
tz-america-sao-paulo = 🇧🇷 São Paulo
tz-america-new-york = 🇺🇸 Miami and New York
tz-america-chicago = 🇺🇸 Chicago and Houston
tz-america-denver = 🇺🇸 Denver
tz-america-los-angeles = 🇺🇸 Los Angeles
tz-america-toronto = 🇨🇦 Toronto
tz-atlantic-canary = 🇪🇸 Canary Islands
tz-europe-madrid = 🇪🇸 Madrid
tz-europe-lisbon = 🇵🇹 Lisbon
tz-europe-london = 🇬🇧 London
tz-europe-paris = 🇫🇷 Paris
tz-europe-rome = 🇮🇹 Rome
tz-europe-berlin = 🇩🇪 Berlin
tz-europe-moscow = 🇷🇺 Moscow
tz-europe-istanbul = 🇹🇷 Istanbul
tz-africa-luanda = 🇦🇴 Luanda
tz-asia-dubai = 🇦🇪 Dubai
tz-asia-kolkata = 🇮🇳 Delhi
tz-asia-shanghai = 🇨🇳 Beijing

## Countries of servers

t-country-us = United States
t-country-ca = Canada
t-country-mx = Mexico
t-country-cu = Cuba
t-country-do = Dominican Republic
t-country-pa = Panama
t-country-co = Colombia
t-country-br = Brazil
t-country-cl = Chile
t-country-ar = Argentina
t-country-pe = Peru
t-country-es = Spain
t-country-pt = Portugal
t-country-fr = France
t-country-de = Germany
t-country-nl = Netherlands
t-country-be = Belgium
t-country-lu = Luxembourg
t-country-ch = Switzerland
t-country-at = Austria
t-country-it = Italy
t-country-gb = United Kingdom
t-country-ie = Ireland
t-country-dk = Denmark
t-country-se = Sweden
t-country-no = Norway
t-country-fi = Finland
t-country-is = Iceland
t-country-ee = Estonia
t-country-lv = Latvia
t-country-lt = Lithuania
t-country-pl = Poland
t-country-cz = Czechia
t-country-hu = Hungary
t-country-ro = Romania
t-country-bg = Bulgaria
t-country-rs = Serbia
t-country-gr = Greece
t-country-md = Moldova
t-country-ua = Ukraine
t-country-ru = Russia
t-country-kz = Kazakhstan
t-country-tr = Türkiye
t-country-il = Israel
t-country-ae = United Arab Emirates
t-country-in = India
t-country-sg = Singapore
t-country-hk = Hong Kong
t-country-jp = Japan
t-country-kr = South Korea
t-country-au = Australia
t-country-za = South Africa
