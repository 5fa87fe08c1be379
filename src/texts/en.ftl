# What the bot says, in English. Rules: warm, direct, numbers and the next step first, at most one emoji a line.
# Keys that begin with btn-, toast-, cmd-, bot-, tz-, t- are plain text; the others are Telegram's HTML.

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
t-state-pending = being prepared
t-state-node-down = its server does not answer
t-state-time-over = ended
t-state-quota-over = out of traffic
t-state-quota = { $percent }% of { $quota }
t-state-paused = paused
t-state-revoked = revoked
t-state-failed = could not be created
t-purpose-trial = trial
t-purpose-paid = paid
t-role-admin = admin
t-role-superadmin = superadmin

## Home

home-hello = Hello, <b>{ $name }</b> 👋
home-welcome =
    Get a VPN that works within a minute.
    This chat is all you need.
home-none = You have no VPN yet.
home-trial-hint = { $days ->
    [one] 🎁 A free trial of 1 day is waiting for you.
   *[other] 🎁 A free trial of { $days } days is waiting for you.
}
home-more = … and { $n } more under “VPN”.
service-line = { $dot } <b>{ $name }</b> · { $product } · { $place } · { $state }

btn-vpn = 🔐 VPN
btn-trial = { $days ->
    [one] 🎁 Try it free for 1 day
   *[other] 🎁 Try it free for { $days } days
}
btn-profile = 👤 Profile
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

## My VPNs and their card

vpn-title = 🔐 <b>Your VPNs</b>
vpn-hint = Tap one to see its file, its QR code and what is left of it.
vpn-empty = You have none yet.
btn-service = { $dot } { $name } · { $state }
btn-my-vpn = 🔐 My VPNs

card-title = { $dot } <b>{ $name }</b>
card-server = { $product } · { $place } ({ $node })
card-trial = { $product } trial · { $place } ({ $node })
card-ends = Ends { $date } ({ $left })
card-ended = Ended { $date }
card-starts-later = Its time starts to count once it works.
card-usage = { $usage }  { $bar }
card-usage-unlimited = { $used } used, no limit
card-handshake = Last connection: { $ago }
card-handshake-never = It has never connected so far.
card-own-key = 🔑 It uses your own key; only you have the private one.
card-pending = ⏳ It is being prepared. I will tell you here as soon as it works.
card-node-down =
    ⚠️ Its server does not answer right now.
    It will come back by itself when the server does; there is nothing you need to do.
card-config-only =
    ⚠️ No tunnel is up on this machine right now.
    The file is real, but it will not connect to anything.
card-over-expiry = Its time is over, so it no longer connects.
card-over-quota = All its traffic is used up, so it no longer connects.
card-over-hint = You can revoke it to take it off your list.
card-over-admin = An admin paused it. If you think that is a mistake, talk to whoever invited you to this bot.
card-expired = Its time is over and it no longer exists on the server.
card-revoked = It is revoked and no longer connects.
card-failed = The server could not create it. We are sorry.

btn-file = 📄 File
btn-qr = 🔳 QR
btn-rename = ✏️ Name
btn-rotate = 🔁 Change key
btn-revoke = 🗑 Revoke
btn-ios = 📱 iPhone
btn-android = 🤖 Android
btn-pc = 💻 PC

## From the trial to a working VPN

trial-offer =
    🎁 <b>Free trial for { $days ->
        [one] 1 day
       *[other] { $days } days
    }</b>

    { $quota } of WireGuard traffic, nothing to pay.
    The days count from the moment the VPN works. One trial per person.

    Do you know WireGuard? You can use your own key as well.
btn-trial-take = 🎁 Get my trial
btn-own-key = 🔑 Use my own key
trial-used = You used your WireGuard trial on { $date }. There is one per person.
trial-used-here = Here it is:
btn-card-of-trial = 🔐 See my trial
trial-pool-full =
    There is no room for more trials right now.
    The admins know already. Yours is kept for you: try again in a few hours.
trial-no-node =
    No server gives trials right now.
    Yours is kept for you: try again in a while.
btn-retry = 🔄 Try again

preparing =
    ⏳ Preparing your { $product }…
    It usually takes a few seconds; this message will change by itself.
btn-look = 🔄 See how it goes
waiting =
    ⏳ The server in { $place } does not answer at the moment.
    Your VPN “{ $name }” is saved and will be created as soon as it is back. I will tell you here; there is nothing you need to do.
waiting-key =
    ⏳ The server in { $place } does not answer at the moment.
    The new key of “{ $name }” is saved and takes effect as soon as it is back. I will tell you here; there is nothing you need to do.
ready =
    ✅ <b>Done.</b> Your VPN “{ $name }” works until { $date } ({ $left }).
    Open its file with the WireGuard app; the buttons below tell you how.
ready-config-only =
    ✅ <b>Your file is ready.</b> “{ $name }” is good until { $date } ({ $left }).

    ⚠️ But no tunnel is up on this machine: the file is real and will not connect to anything.
ready-own-key = 🔑 In the file, write your private key on the <code>PrivateKey</code> line.
failed =
    ❌ We could not create “{ $name }”.
    We are sorry. You can ask for it again; if it fails once more, try tomorrow.
btn-name-it = ✏️ Give it a name
ended =
    🔴 “{ $name }” ended on { $date }.
    It no longer connects. Its card shows what you used.
ended-some =
    🔴 One of your VPNs ended.
    It no longer connects. Your list shows those you still have.
over-quota =
    🔴 “{ $name }” has used up its { $quota } of traffic.
    It no longer connects. Its card shows what you used.
over-quota-some =
    🔴 One of your VPNs has used up its traffic.
    It no longer connects. Your list shows those you still have.
btn-card = 🔐 See “{ $name }”

file-caption = 📄 <b>{ $name }</b>. Open it with the WireGuard app. It is for you alone: whoever has it uses your VPN.
file-caption-own-key = 📄 <b>{ $name }</b>. Before you use it, write your private key on the <code>PrivateKey</code> line.
qr-caption = 🔳 <b>{ $name }</b>. Scan it in the WireGuard app with “+”. It is for you alone: whoever sees it can use your VPN.

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

## Changing a VPN

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
ask-rotate =
    🔁 Change the key of “{ $name }”?
    The current file stops working at once and I will send you a new one.
btn-rotate-now = 🔁 Yes, change it
key-taken =
    🔑 That key is already in use, so it cannot be used here.
    Make a new pair of keys in your app and paste its public key here.
ask-revoke =
    🗑 Revoke “{ $name }”? It will stop working at once.
    This cannot be undone.
ask-revoke-trial = It is your free trial and you will not get another one.
btn-revoke-now = 🗑 Yes, revoke it
btn-keep = ⬅️ No, keep it
revoked = 🗑 “{ $name }” is revoked: it no longer connects and its file no longer works.
revoked-some = 🗑 Revoked: it no longer connects and its file no longer works.

## Me and my settings

profile-title = 👤 <b>{ $name }</b>
profile-username = Username: @{ $username }
profile-id = Id: { $id }
profile-since = Here since: { $date }
profile-seen = Last visit: { $ago }
profile-services = { $n ->
    [0] VPNs: none yet
    [one] VPNs: 1
   *[other] VPNs: { $n }
}
profile-role = Role: { $role }
profile-blocked = 🚫 Has blocked the bot.
btn-privacy = 🔒 Privacy
btn-terms = 📜 Terms

status-good = { $n ->
    [one] ✅ <b>All is well.</b> Your VPN and its server work.
   *[other] ✅ <b>All is well.</b> Your { $n } VPNs and their servers work.
}
status-bad = ⚠️ <b>Something is not quite right.</b>
status-none = You have no VPN running, so there is nothing to watch over.

settings-title = ⚙️ <b>Settings</b>
settings-language = Language: <b>{ $language }</b>
settings-zone = Time zone: <b>{ $zone }</b> (it is { $time } there)
btn-language = 🌐 Language
btn-zone = 🕐 Time zone
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

    1. You ask for your VPN with two taps.
    2. I send you a file; you open it with the free WireGuard app.
    3. You turn the switch on and browse.

    /vpn your VPNs: file, QR code, name, key
    /trial the free trial
    /status whether everything of yours works
    /profile who you are here
    /settings language and time zone
    /cancel leaves what we are doing
    /privacy and /terms what I keep, and the rules
help-admin =
    🛠 <b>For admins</b>
    /nodes servers
    /pools addresses
    /deadletters messages that failed
    /user and a number: someone’s card
privacy =
    🔒 <b>What I know about you</b>

    I keep your Telegram id, name and username, your language and time zone, and when you were here.
    Of each VPN: its name, its internal addresses, how much traffic it uses and its last connection.
    Keys are kept encrypted. If you use your own key, I never have the private one.

    <b>I do not keep</b> which pages you visit, what you do through the VPN or where you connect from.

    What you write to me is kept for { $days ->
        [one] 1 day
       *[other] { $days } days
    }, in case something fails and has to be repeated; then its content is erased.
    Every change is written down: who, what and when. Admins can see your card, not your traffic.
terms =
    📜 <b>The rules, in short</b>

    Use the VPN for what is legal where you are.
    No spam, attacks, fraud or reselling of access. Whoever abuses it loses it.
    There is one trial per person; it lasts { $days ->
        [one] 1 day
       *[other] { $days } days
    } and comes with { $quota } of traffic.
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
    I cannot find that VPN among yours.
    It may have ended, or you revoked it. These are the ones you have:
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
system-services = VPNs: { $list }
system-services-none = VPNs: none
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
node-title = { $dot } <b>{ $name }</b> · { $place }
node-mode = { $mode } · <code>{ $endpoint }</code>
node-counts = { $active }, { $pending }
node-foreign = { $n ->
    [one] 1 foreign peer, left alone
   *[other] { $n } foreign peers, left alone
}
node-config-only = ⚠️ configs only: no tunnel is up
node-down = no answer for { $span }
node-never-seen = not looked at yet
node-error = <code>{ $error }</code>

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

## Alerts

alert-since = For { $span } now.
alert-times = It happened { $n } times.
alert-gone = ✅ There was an alert, but it is gone.
alert-lasted = It lasted { $span }.
alert-node-down = 🔴 <b>{ $node }</b> does not answer.
alert-foreign = { $n ->
    [one] 🟡 <b>{ $node }</b> has 1 peer that is not ours. We leave it alone.
   *[other] 🟡 <b>{ $node }</b> has { $n } peers that are not ours. We leave them alone.
}
alert-pool = { $n ->
    [one] 🟡 <b>{ $node }</b> has 1 of { $total } addresses left ({ $purpose }).
   *[other] 🟡 <b>{ $node }</b> has { $free } of { $total } addresses left ({ $purpose }).
}
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
alert-secret = 🔴 On <b>{ $node }</b> the secret of VPN { $service } cannot be opened. The others go on; look at the master key file.
btn-settle = ✔ It is settled
alert-late = { $n ->
    [one] 🔴 1 VPN waits for its server longer than it should.
   *[other] 🔴 { $n } VPNs wait for their server longer than they should.
}
over-node-down = ✅ <b>{ $node }</b> answers again.
over-foreign = ✅ <b>{ $node }</b> has no foreign peers any more.
over-pool = ✅ <b>{ $node }</b> has free addresses again ({ $purpose }).
over-actor = ✅ “{ $actor }” works again.
over-dead = ✅ No failed messages are left to look at.
over-telegram = ✅ Telegram accepts us again.
over-payment = ✅ The unexpected payment is settled.
over-late = ✅ No VPN waits for its server any more.
over-secret = ✅ On <b>{ $node }</b> the secret of VPN { $service } can be opened again.

## What Telegram shows of the bot

cmd-start = Home: your VPNs and the menu
cmd-vpn = Your VPNs: file, QR code, name, key
cmd-trial = Try it free
cmd-status = Does all of mine work?
cmd-profile = Who I am here
cmd-settings = Language and time zone
cmd-help = How it works
cmd-cancel = Leave what we are doing
cmd-privacy = What I know about you
cmd-terms = The rules, in short
bot-description =
    A VPN that works within a minute, without leaving Telegram.

    Press “Start”, ask for your free trial and get your WireGuard file for the phone or the computer.
bot-short-description = Your VPN in a minute, without leaving Telegram. Free trial.

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
