# Lo que dice el bot, en español. Reglas: cálido, de «tú», números y siguiente paso primero, como mucho un emoji por línea.
# Las claves que empiezan por btn-, toast-, cmd-, bot-, tz-, t- son texto llano; las demás son HTML de Telegram.
# $kind es el producto: wireguard, outline o mtproto. «VPN» son los dos primeros; el tercero es un proxy.

## Tiempo, estados y otras piezas

t-left-days = { $n ->
    [one] queda 1 día
   *[other] quedan { $n } días
}
t-left-hours = { $n ->
    [one] queda 1 hora
   *[other] quedan { $n } horas
}
t-left-minutes = { $n ->
    [one] queda 1 minuto
   *[other] quedan { $n } minutos
}
t-left-moment = queda menos de un minuto
t-ago-moment = hace un momento
t-ago-minutes = hace { $n } min
t-ago-hours = hace { $n } h
t-ago-days = { $n ->
    [one] hace 1 día
   *[other] hace { $n } días
}
t-span-seconds = { $n } s
t-span-minutes = { $n } min
t-span-hours = { $n } h
t-span-days = { $n ->
    [one] 1 día
   *[other] { $n } días
}
t-date-time = { $day } { $month }, { $time }
t-date-day = { $day } { $month }
t-date-year = { $day } { $month } { $year }
t-month = { $n ->
    [1] ene
    [2] feb
    [3] mar
    [4] abr
    [5] may
    [6] jun
    [7] jul
    [8] ago
    [9] sep
    [10] oct
    [11] nov
   *[12] dic
}
t-usage = { $used } de { $quota }
t-product-wireguard = WireGuard
t-product-outline = Outline
t-product-mtproto = Proxy
t-place = { $place }, { $country }
t-state-pending = preparándose
t-state-node-down = su servidor no responde
t-state-time-over = terminó
t-state-renewable = terminó, se puede renovar
t-state-quota-over = sin tráfico
t-state-quota = { $percent } % de { $quota }
t-state-paused = en pausa
t-state-revoked = { $kind ->
    [mtproto] revocado
   *[other] revocada
}
t-state-failed = no se pudo crear
t-terms-unlimited = sin límite de tráfico
t-terms-devices = { $n ->
    [one] 1 aparato
   *[other] { $n } aparatos
}
t-terms-free = gratis
t-purpose-trial = prueba
t-purpose-paid = de pago
t-role-admin = administrador
t-role-superadmin = superadministrador

## Inicio

home-hello = Hola, <b>{ $name }</b> 👋
home-welcome =
    Aquí consigues una VPN o un proxy que funciona en un minuto.
    No hace falta nada más que este chat.
home-none = Todavía no tienes ninguna VPN ni ningún proxy.
home-trial-hint = { $days ->
    [one] 🎁 Te espera una prueba gratis de 1 día.
   *[other] 🎁 Te espera una prueba gratis de { $days } días.
}
home-free-hint = 🎁 Te espera algo gratis.
home-proxy-hint = 🎁 Te espera un proxy gratis para Telegram.
home-more = … y { $n } más en «VPN» y «Proxy».
service-line = { $dot } <b>{ $name }</b> · { $product } · { $place } · { $state }

btn-vpn = 🔐 VPN
btn-proxy = ✈️ Proxy
btn-trial = { $days ->
    [one] 🎁 Probar gratis 1 día
   *[other] 🎁 Probar gratis { $days } días
}
btn-free = 🎁 Gratis para ti
btn-free-proxy = 🎁 Proxy gratis
btn-profile = 👤 Perfil
btn-status = 🚦 Estado
btn-settings = ⚙️ Ajustes
btn-help = ❓ Cómo funciona
btn-system = 🛠 Sistema
btn-home = 🏠 Inicio
btn-back = ⬅️ Volver
btn-cancel = ✖️ Dejarlo
btn-refresh = 🔄 Actualizar
btn-previous = ◀️
btn-next = ▶️
btn-page = { $page } de { $pages }

## Mis VPN, mis proxies y sus fichas

vpn-title = 🔐 <b>Tus VPN</b>
vpn-hint = Toca una para ver su archivo o enlace, su QR y lo que le queda.
vpn-empty = Todavía no tienes ninguna.
proxy-title = ✈️ <b>Tus proxies para Telegram</b>
proxy-about = Con un proxy, Telegram funciona aunque lo bloqueen. No toca nada más de tu teléfono.
proxy-hint = Toca uno para conectarte.
proxy-empty = Todavía no tienes ninguno.
proxy-none =
    Todavía no tienes ninguno, y ahora mismo no hay servidor que los dé.
    Vuelve a mirar en un rato.
btn-service = { $dot } { $name } · { $state }
btn-my-vpn = 🔐 Mis VPN
btn-my-proxies = ✈️ Mis proxies

card-title = { $dot } <b>{ $name }</b>
card-server = { $product } · { $place } ({ $node })
card-trial = { $product } de prueba · { $place } ({ $node })
card-free = { $product } gratis · { $place } ({ $node })
card-ends = Termina el { $date } ({ $left })
card-ended = Terminó el { $date }
card-starts-later = Su tiempo empieza a contar cuando funcione.
card-usage = { $usage }  { $bar }
card-usage-unlimited = { $used } usados, sin límite
card-days = Últimos { $n } días: { $bars } (hoy { $today })
card-devices = { $n ->
    [one] Para 1 aparato a la vez
   *[other] Hasta { $n } aparatos a la vez
}
card-handshake = Última conexión: { $ago }
card-handshake-never = Aún no se ha conectado nunca.
card-unused = Aún no se ha usado.
card-own-key = 🔑 Usa tu propia clave; la privada solo la tienes tú.
card-pending = { $kind ->
    [mtproto] ⏳ Lo estamos preparando. Te aviso aquí en cuanto funcione.
   *[other] ⏳ La estamos preparando. Te aviso aquí en cuanto funcione.
}
card-node-down =
    ⚠️ Su servidor no responde ahora mismo.
    Todo vuelve en cuanto el servidor conteste; no tienes que hacer nada.
card-config-only =
    ⚠️ Ahora mismo no hay ningún túnel encendido en esta máquina.
    El archivo es de verdad, pero no conectará con nada.
card-over-expiry = Su tiempo se acabó, así que ya no conecta.
card-over-quota = Gastó todo su tráfico, así que ya no conecta.
card-over-hint = { $kind ->
    [mtproto] Puedes revocarlo para quitarlo de tu lista.
   *[other] Puedes revocarla para quitarla de tu lista.
}
card-over-admin = { $kind ->
    [mtproto] Un administrador lo puso en pausa. Si crees que es un error, habla con quien te invitó a este bot.
   *[other] Un administrador la puso en pausa. Si crees que es un error, habla con quien te invitó a este bot.
}
card-renewable = { $kind ->
    [wireguard] ⏩ Si renuevas gratis antes del { $date }, vuelve tal cual: el archivo que ya tienes sigue valiendo.
   *[other] ⏩ Si renuevas gratis antes del { $date }, vuelve tal cual: el enlace que ya tienes sigue valiendo.
}
card-renewable-quota = ⏩ Si renuevas gratis, tiene tráfico otra vez.
card-expired = Se acabó su tiempo y ya no existe en el servidor.
card-revoked = { $kind ->
    [mtproto] Está revocado y ya no conecta.
   *[other] Está revocada y ya no conecta.
}
card-failed = { $kind ->
    [mtproto] El servidor no pudo crearlo. Lo sentimos.
   *[other] El servidor no pudo crearla. Lo sentimos.
}

btn-file = 📄 Archivo
btn-link = 🔗 Enlace
btn-connect = ✈️ Conectar
btn-connect-plain = ✈️ Conectar sin disfraz
btn-qr = 🔳 QR
btn-rename = ✏️ Nombre
btn-rotate = 🔁 Cambiar clave
btn-move = 🌍 Mudar
btn-renew = ⏩ Renovar gratis
btn-revoke = 🗑 Revocar
btn-ios = 📱 iPhone
btn-android = 🤖 Android
btn-pc = 💻 PC

## De lo gratis a lo que funciona

choice-title =
    🎁 <b>Gratis para ti</b>
    ¿Qué te hace falta?
choice-wireguard =
    🔐 <b>WireGuard</b> · { $terms }
    La VPN más rápida, para todo el teléfono o la computadora.
choice-outline =
    🗝 <b>Outline</b> · { $terms }
    Una VPN que aguanta donde bloquean otras. Se activa con un enlace.
choice-mtproto =
    ✈️ <b>Proxy</b> · { $terms }
    Solo para Telegram, sin instalar nada.
btn-try-wireguard = 🔐 WireGuard
btn-try-outline = 🗝 Outline
btn-try-mtproto = ✈️ Proxy para Telegram

offer-trial-title = { $n ->
    [one] 🎁 <b>{ $product } gratis: 1 día de prueba</b>
   *[other] 🎁 <b>{ $product } gratis: { $n } días de prueba</b>
}
offer-free-title = { $n ->
    [one] 🎁 <b>{ $product } gratis por 1 día</b>
   *[other] 🎁 <b>{ $product } gratis por { $n } días</b>
}
offer-quota = { $quota } de tráfico, sin pagar nada.
offer-unlimited = Tráfico sin límite, sin pagar nada.
offer-counts-trial = Los días cuentan desde que funciona. Es una prueba por persona.
offer-counts-free = Los días cuentan desde que funciona, y antes de que acaben renuevas gratis.
offer-about-wireguard =
    Recibes un archivo que se abre con la app gratuita WireGuard.
    ¿Ya la conoces? También puedes usar tu propia clave.
offer-about-outline =
    Recibes un enlace que se pega en la app gratuita Outline.
    Aguanta bien donde bloquean otras VPN.
offer-about-mtproto =
    No se instala nada: tocas «Conectar» y Telegram pasa por tu proxy.
    Sirve solo para Telegram.
btn-trial-take = 🎁 Quiero mi prueba
btn-free-take = 🎁 Sí, lo quiero
btn-own-key = 🔑 Usar mi propia clave
btn-choose-server = 🌍 Elegir servidor

servers-title = { $kind ->
    [mtproto] 🌍 <b>¿Dónde quieres tu proxy?</b>
   *[other] 🌍 <b>¿Dónde quieres tu VPN?</b>
}
servers-hint = Cuanto más cerca y más vacío, más rápido. El porcentaje dice lo lleno que está.
servers-none =
    Ahora mismo no hay ningún servidor que responda y tenga sitio.
    Vuelve a intentarlo en un rato; no pierdes nada.
btn-best = ⚡ El mejor ahora
btn-server = { $place } · { $load } %

trial-used = Ya usaste tu prueba de { $product } el { $date }. Es una por persona.
trial-used-here = Aquí la tienes:
btn-card-of-trial = 🔐 Ver mi prueba
trial-pool-full =
    Ahora mismo no queda sitio para más { $product }.
    Los administradores ya lo saben. No pierdes nada: vuelve a intentarlo en unas horas.
trial-no-node =
    Ahora mismo ningún servidor da { $product }.
    No pierdes nada: vuelve a intentarlo en un rato.
trial-node-down =
    Los servidores de { $product } no responden ahora mismo.
    No pierdes nada: vuelve a intentarlo en un rato.
trial-have-one = { $kind ->
    [mtproto] Ya tienes un proxy gratis, y es uno por persona.
   *[other] Ya tienes una VPN gratis con { $product }, y es una por persona.
}
trial-too-many = { $n ->
    [one] Ya tienes un servicio, y es lo que se puede tener a la vez.
   *[other] Ya tienes { $n } servicios, y son los que se pueden tener a la vez.
}
    Revoca uno que no uses y pide este otra vez.
trial-others = Mientras tanto, esto sí lo puedes tener gratis:
trial-others-too = Pero esto sí lo puedes tener gratis:
btn-card-of-free = { $kind ->
    [mtproto] ✈️ Ver mi proxy
   *[other] 🔐 Ver mi VPN
}
btn-retry = 🔄 Intentar otra vez

preparing = { $kind ->
    [mtproto] ⏳ Preparando tu proxy…
   *[other] ⏳ Preparando tu { $product }…
}
preparing-hint = Suele tardar unos segundos; este mensaje cambia solo.
btn-look = 🔄 Ver cómo va
waiting = ⏳ El servidor de { $place } no responde en este momento.
waiting-new = { $kind ->
    [mtproto] Tu proxy «{ $name }» está guardado y se creará solo en cuanto vuelva. Te aviso aquí; no tienes que hacer nada.
   *[other] Tu VPN «{ $name }» está guardada y se creará sola en cuanto vuelva. Te aviso aquí; no tienes que hacer nada.
}
waiting-key = La clave nueva de «{ $name }» está guardada y entrará sola en cuanto vuelva. Te aviso aquí; no tienes que hacer nada.
ready = { $kind ->
    [mtproto] ✅ <b>Listo.</b> Tu proxy «{ $name }» está activo hasta el { $date } ({ $left }).
   *[other] ✅ <b>Listo.</b> Tu VPN «{ $name }» está activa hasta el { $date } ({ $left }).
}
ready-next = { $kind ->
    [mtproto] Toca «Conectar» y Telegram pasa por él.
    [outline] Copia su enlace y pégalo en la app Outline; abajo te digo cómo.
   *[wireguard] Abre su archivo con la app WireGuard; abajo te digo cómo.
}
ready-config-only =
    ✅ <b>Tu archivo está listo.</b> «{ $name }» vale hasta el { $date } ({ $left }).

    ⚠️ Pero en esta máquina no hay ningún túnel encendido: el archivo es de verdad y no conectará con nada.
ready-own-key = 🔑 En el archivo, escribe tu clave privada en la línea <code>PrivateKey</code>.
failed = { $kind ->
    [mtproto] ❌ No pudimos crear «{ $name }». Lo sentimos; puedes pedirlo otra vez. Si vuelve a fallar, prueba mañana.
   *[other] ❌ No pudimos crear «{ $name }». Lo sentimos; puedes pedirla otra vez. Si vuelve a fallar, prueba mañana.
}
btn-name-it = ✏️ Ponerle nombre

## Avisos

reminder = ⏰ «{ $name }» termina el { $date } ({ $left }).
reminder-renew = Renueva gratis con el botón y todo sigue igual, sin cortes.
reminder-trial = Es tu prueba: después deja de conectar.
reminder-other = Después deja de conectar. Si quieres seguir, habla con quien te lo dio.
quota-near = 🟡 A «{ $name }» le queda poco tráfico.
quota-near-hint = Cuando se acabe, deja de conectar.
quota-near-renew = Cuando se acabe, deja de conectar hasta que renueves, que es gratis.
ended =
    🔴 «{ $name }» terminó el { $date }.
    Ya no conecta. Puedes ver lo que usaste en su ficha.
ended-renewable =
    🔴 «{ $name }» terminó el { $date }.
    Ya no conecta.
ended-for-good =
    🔴 «{ $name }» ya no se puede recuperar.
    Terminó el { $date } y su clave se borró del servidor.
ended-some =
    🔴 Uno de tus servicios terminó.
    Ya no conecta. Mira los que te quedan.
over-quota =
    🔴 «{ $name }» gastó sus { $quota } de tráfico.
    Ya no conecta. Puedes ver lo que usaste en su ficha.
over-quota-some =
    🔴 Uno de tus servicios gastó todo su tráfico.
    Ya no conecta. Mira los que te quedan.
btn-card = { $kind ->
    [mtproto] ✈️ Ver «{ $name }»
   *[other] 🔐 Ver «{ $name }»
}

## Archivos y enlaces

file-caption = 📄 <b>{ $name }</b>. Ábrelo con la app WireGuard. Es solo para ti: quien lo tenga usa tu VPN.
file-caption-own-key = 📄 <b>{ $name }</b>. Antes de usarlo, escribe tu clave privada en la línea <code>PrivateKey</code>.
qr-caption = { $kind ->
    [mtproto] 🔳 <b>{ $name }</b>. Escanéalo con la cámara de otro teléfono que tenga Telegram. Es solo para ti: quien lo vea puede usar tu proxy.
    [outline] 🔳 <b>{ $name }</b>. Escanéalo con la cámara de otro teléfono que tenga Outline. Es solo para ti: quien lo vea puede usar tu VPN.
   *[wireguard] 🔳 <b>{ $name }</b>. Escanéalo desde la app WireGuard con «+». Es solo para ti: quien lo vea puede usar tu VPN.
}
link-outline =
    🗝 <b>{ $name }</b>
    Toca el enlace para copiarlo y pégalo en la app Outline:
link-mtproto =
    ✈️ <b>{ $name }</b>
    Toca «Conectar» y confirma: Telegram pasa por tu proxy.
link-mtproto-copy = O toca el enlace para copiarlo:
link-mtproto-tls = Parece una página web cualquiera, así que cuesta bloquearlo. Toca el enlace para copiarlo:
link-mtproto-plain = Si ese no conecta, prueba sin disfraz:
link-private = { $kind ->
    [mtproto] Es solo para ti: quien lo tenga usa tu proxy.
   *[other] Es solo para ti: quien lo tenga usa tu VPN.
}

howto-ios =
    📱 <b>En iPhone o iPad</b>

    1. Instala <a href="https://apps.apple.com/app/wireguard/id1441195209">WireGuard</a> desde la App Store.
    2. Toca «Archivo» aquí abajo, abre <code>{ $file }</code> y compártelo con WireGuard.
    3. Acepta el permiso de VPN y enciende el interruptor.
howto-android =
    🤖 <b>En Android</b>

    1. Instala <a href="https://play.google.com/store/apps/details?id=com.wireguard.android">WireGuard</a> desde Google Play.
    2. Toca «Archivo» aquí abajo y descarga <code>{ $file }</code>.
    3. En la app toca «+», «Importar desde archivo», y enciende el interruptor.

    ¿La quieres en otro teléfono? Pide el QR y escanéalo con «+» en su app.
howto-pc =
    💻 <b>En tu computadora</b>

    1. Instala <a href="https://www.wireguard.com/install/">WireGuard</a> para Windows, macOS o Linux.
    2. Toca «Archivo» aquí abajo y descarga <code>{ $file }</code>.
    3. En la app elige «Importar túnel desde archivo» y pulsa «Activar».

    En Linux también vale: <code>sudo wg-quick up ./{ $file }</code>
howto-outline-ios =
    📱 <b>En iPhone o iPad</b>

    1. Instala <a href="https://apps.apple.com/app/outline-app/id1356177741">Outline</a> desde la App Store.
    2. Toca «Enlace» aquí abajo y copia el enlace que te mando.
    3. Abre Outline, toca «+», pega el enlace y toca «Conectar».
howto-outline-android =
    🤖 <b>En Android</b>

    1. Instala <a href="https://play.google.com/store/apps/details?id=org.outline.android.client">Outline</a> desde Google Play.
    2. Toca «Enlace» aquí abajo y copia el enlace que te mando.
    3. Abre Outline, toca «+», pega el enlace y toca «Conectar».
howto-outline-pc =
    💻 <b>En tu computadora</b>

    1. Instala <a href="https://getoutline.org/get-started/#step-3">Outline</a> para Windows, macOS o Linux.
    2. Toca «Enlace» aquí abajo y copia el enlace que te mando.
    3. Abre Outline, toca «+», pega el enlace y toca «Conectar».

## Cambios en un servicio

ask-name =
    ✏️ ¿Cómo quieres llamar a «{ $name }»?
    Escríbelo aquí, con { $max } letras como mucho.
name-empty = Ese nombre no tiene nada que se vea.
name-too-long = Ese nombre es demasiado largo.
ask-own-key =
    🔑 Pega aquí tu <b>clave pública</b> de WireGuard.
    Son 44 letras y números que terminan en «=». La clave privada no se la des a nadie, tampoco a mí.
key-not-a-key = Eso no es una clave pública de WireGuard.
key-low-order = Esa clave no es segura: cualquiera podría leer tu tráfico. Crea un par nuevo en tu app.
ask-rotate = 🔁 ¿Cambiar la clave de «{ $name }»?
ask-rotate-hint = { $kind ->
    [wireguard] El archivo de ahora deja de funcionar ya mismo y te mando uno nuevo.
   *[other] El enlace de ahora deja de funcionar ya mismo y te mando uno nuevo.
}
key-on-its-way =
    ⏳ La última clave de «{ $name }» todavía va de camino al servidor de { $place }.
    Te aviso aquí en cuanto funcione; no tienes que hacer nada. Después se podrá cambiar otra vez.
btn-rotate-now = 🔁 Sí, cambiarla
key-taken =
    🔑 Esa clave ya está en uso, así que no puede servir aquí.
    Crea un par de claves nuevo en tu app y pega aquí su clave pública.
ask-move =
    🌍 ¿Adónde mudo «{ $name }»?
    Ahora está en { $place }.
ask-move-hint = { $kind ->
    [wireguard] El archivo de ahora deja de funcionar y te mando uno nuevo. El nombre, la fecha y lo usado no cambian.
   *[other] El enlace de ahora deja de funcionar y te mando uno nuevo. El nombre, la fecha y lo usado no cambian.
}
move-none =
    Ahora mismo no hay otro servidor adonde mudar «{ $name }».
    Sigue donde está, en { $place }.
ask-renew = { $n ->
    [one] ⏩ ¿Renovar «{ $name }» 1 día más? Es gratis.
   *[other] ⏩ ¿Renovar «{ $name }» { $n } días más? Es gratis.
}
ask-renew-until = Terminaría el { $date }.
btn-renew-now = ⏩ Sí, renovar
renewed = ✅ «{ $name }» sigue hasta el { $date } ({ $left }).
renewed-hint = { $kind ->
    [wireguard] No tienes que cambiar nada: el archivo que ya tienes sigue valiendo.
   *[other] No tienes que cambiar nada: el enlace que ya tienes sigue valiendo.
}
ask-revoke =
    🗑 ¿Revocar «{ $name }»? Dejará de funcionar ya.
    No se puede deshacer.
ask-revoke-trial = Es tu prueba gratis y no podrás pedir otra.
ask-revoke-free = { $kind ->
    [mtproto] Es gratis: después puedes pedir otro.
   *[other] Es gratis: después puedes pedir otra.
}
btn-revoke-now = 🗑 Sí, revocar
btn-keep = { $kind ->
    [mtproto] ⬅️ No, lo conservo
   *[other] ⬅️ No, la conservo
}
revoked = { $kind ->
    [wireguard] 🗑 «{ $name }» está revocada: ya no conecta y su archivo no vale.
    [outline] 🗑 «{ $name }» está revocada: ya no conecta y su enlace no vale.
   *[mtproto] 🗑 «{ $name }» está revocado: ya no conecta y su enlace no vale.
}
revoked-some = 🗑 Hecho: ya no conecta y lo que te mandé no vale.

## Yo y mis ajustes

profile-title = 👤 <b>{ $name }</b>
profile-username = Usuario: @{ $username }
profile-id = Id: { $id }
profile-since = Aquí desde: { $date }
profile-seen = Última visita: { $ago }
profile-services = { $n ->
    [0] Servicios: ninguno todavía
    [one] Servicios: 1
   *[other] Servicios: { $n }
}
profile-role = Rol: { $role }
profile-blocked = 🚫 Tiene el bot bloqueado.
btn-privacy = 🔒 Privacidad
btn-terms = 📜 Condiciones

status-good = { $n ->
    [one] ✅ <b>Todo bien.</b> Lo tuyo y su servidor funcionan.
   *[other] ✅ <b>Todo bien.</b> Tus { $n } servicios y sus servidores funcionan.
}
status-bad = ⚠️ <b>Algo no va del todo bien.</b>
status-none = No tienes nada en marcha, así que no hay nada tuyo que vigilar.
status-servers = <b>Los servidores</b>
status-up = { $n ->
    [one] 🟢 { $product }: responde
   *[other] 🟢 { $product }: responden los { $n }
}
status-some = { $up ->
    [one] 🟡 { $product }: 1 de { $all } responde
   *[other] 🟡 { $product }: { $up } de { $all } responden
}
status-down = 🔴 { $product }: ahora mismo no responde; ya lo sabemos
status-maintenance = 🟡 { $product }: en mantenimiento

settings-title = ⚙️ <b>Ajustes</b>
settings-language = Idioma: <b>{ $language }</b>
settings-zone = Zona horaria: <b>{ $zone }</b> (ahí son las { $time })
settings-reminders-on = Recordatorios: <b>sí</b>, 3 días, 1 día y 2 horas antes de que algo termine
settings-reminders-off = Recordatorios: <b>no</b>
settings-quiet-on = Horas de silencio: <b>de { $from } a { $to }</b>
settings-quiet-off = Horas de silencio: <b>no</b>
btn-language = 🌐 Idioma
btn-zone = 🕐 Zona horaria
btn-reminders-on = 🔔 Sí, recuérdame
btn-reminders-off = 🔕 No me recuerdes
btn-quiet-on = 🌙 Con silencio
btn-quiet-off = 🌞 Sin silencio
languages-title = 🌐 <b>¿En qué idioma hablamos?</b>
btn-language-name = Español
btn-chosen = ✔ { $name }
zones-title = 🕐 <b>¿Dónde estás?</b>
zones-hint = Elige la ciudad de tu misma hora. Ahora usas { $zone }.
btn-zone-name = { $city } · { $time }
toast-saved = ✅ Guardado
toast-already-done = Eso ya está hecho.

## Ayuda y reglas

help =
    ❓ <b>Cómo funciona</b>

    1. Pides tu VPN o tu proxy con dos toques.
    2. Te mando un archivo o un enlace, y te digo con qué app gratuita se abre.
    3. Enciendes el interruptor y navegas.

    /vpn tus VPN: archivo, enlace, QR, clave
    /proxy tus proxies para Telegram
    /trial lo que hay gratis
    /status si todo lo tuyo funciona
    /profile quién eres aquí
    /settings idioma, hora y avisos
    /cancel deja lo que estemos haciendo
    /privacy y /terms lo que guardo y las reglas
help-admin =
    🛠 <b>Para administradores</b>
    /nodes servidores
    /pools direcciones
    /deadletters mensajes que fallaron
    /user y un número: la ficha de alguien
help-grant =
    /plans los planes
    /grant un número y un plan: dar un servicio
privacy =
    🔒 <b>Qué sé de ti</b>

    Guardo tu id, nombre y usuario de Telegram, tu idioma y tu zona horaria, y cuándo pasaste por aquí.
    De cada servicio: su nombre, su servidor, cuánto tráfico usa cada día y, en WireGuard, sus direcciones internas y su última conexión.
    Las claves se guardan cifradas. Si usas tu propia clave, la privada nunca la tengo.

    <b>No guardo</b> qué páginas visitas, qué haces por la VPN o el proxy ni desde dónde te conectas.

    Lo que me escribes se guarda { $days ->
        [one] 1 día
       *[other] { $days } días
    }, por si algo falla y hay que repetirlo; después se borra el contenido.
    Cada cambio queda anotado: quién, qué y cuándo. Los administradores pueden ver tu ficha, no tu tráfico.
terms =
    📜 <b>Las reglas, en corto</b>

    Usa todo esto para lo que sea legal donde estás.
    Nada de spam, ataques, fraudes ni de revender el acceso. Quien abusa lo pierde.
    Cada prueba se puede tomar una vez por persona, y de lo que es gratis sin ser prueba se tiene uno a la vez; /trial te dice qué hay y cuánto dura.
    Hago lo posible por que todo funcione, pero un servidor puede fallar: míralo en /status.
    Hoy todo aquí es gratis; nadie debe pedirte dinero en mi nombre.

## Cuando algo no encaja

cancelled = 👌 Lo dejamos. No cambió nada.
nothing-to-cancel = No hay nada que cancelar. Aquí tienes el menú:
unknown-command = No conozco ese comando. Con /help ves los que hay.
unexpected-text = Gracias por escribir, pero ahora no esperaba ningún texto. Lo que hago está en estos botones:
unexpected-kind = Solo entiendo textos y botones. Lo que hago está aquí:
old-button = Ese botón es de antes y ya no vale. Estos sí:
offer-gone =
    Esa propuesta ya no vale: caducó o ya se usó.
    Pídela otra vez y sigues donde estabas.
no-such-service =
    Eso ya no está entre lo tuyo.
    Puede que terminara o que lo revocaras. Lo que tienes está aquí:
not-allowed = Eso es solo para administradores. Lo tuyo está aquí:
slow-down =
    🐢 Vas más rápido que yo.
    Leí lo primero y dejé sin leer lo demás. Espera unos segundos y repite lo último.
apology =
    😕 Algo se rompió de nuestro lado con lo último que enviaste.
    Quedó anotado para revisarlo. Puedes seguir con lo demás.
    ref: <code>{ $code }</code>
toast-refuse-checkout = Todavía no vendemos nada por aquí. No se te ha cobrado.

## Administración

system-title = 🛠 <b>Sistema</b>
system-users = Usuarios: { $total } ({ $day } en las últimas 24 h)
system-services = Servicios: { $list }
system-services-none = Servicios: ninguno
system-product = · { $product }: { $list }
t-status-pending = { $count } esperando
t-status-active = { $n ->
    [one] 1 activo
   *[other] { $count } activos
}
t-status-suspended = { $count } en pausa
t-status-expired = { $n ->
    [one] 1 terminado
   *[other] { $count } terminados
}
t-status-revoked = { $n ->
    [one] 1 revocado
   *[other] { $count } revocados
}
t-status-failed = { $n ->
    [one] 1 fallido
   *[other] { $count } fallidos
}
t-out-replies = { $n ->
    [one] 1 respuesta
   *[other] { $count } respuestas
}
t-out-deliveries = { $n ->
    [one] 1 entrega
   *[other] { $count } entregas
}
t-out-notices = { $n ->
    [one] 1 aviso
   *[other] { $count } avisos
}
system-pending-oldest = El que más espera lleva { $span }
system-inbox = Entrada: { $count } sin atender
system-inbox-none = Entrada: todo atendido
system-inbox-oldest = Entrada: { $count } sin atender, el más antiguo de hace { $span }
system-outbox = Salida: { $list }
system-outbox-none = Salida: nada espera
system-outbox-oldest = Salida: { $list }; lo más antiguo es de hace { $span }
system-dead = 📮 Mensajes que fallaron: { $n }
system-alerts-none = ✅ Ninguna alerta abierta
system-alerts = <b>Alertas abiertas:</b>
system-more = … y { $n } más.
btn-nodes = 🖥 Servidores
btn-pools = 🧮 Direcciones
btn-dead-letters = 📮 Fallidos ({ $n })

nodes-title = 🖥 <b>Servidores</b>
nodes-none = No hay ninguno. Añade uno en [[nodes]] de la configuración.
node-line = { $dot } <b>{ $name }</b> · { $product } · { $place } · { $counts }
node-title = { $dot } <b>{ $name }</b> · { $place }
node-mode = { $mode } · <code>{ $endpoint }</code>
node-room = { $services } de { $capacity } plazas ocupadas
node-draining = ⏸ Vaciándose: no recibe nada nuevo.
node-maintenance = 🔧 En mantenimiento: no recibe nada nuevo y no avisa si deja de responder.
node-removed = 🗑 Quitado.
node-gone = Ese servidor no está.
btn-node = { $dot } { $name }
btn-node-activate = ▶️ Activar
btn-node-drain = ⏸ Vaciar
btn-node-maintain = 🔧 Mantenimiento
btn-node-remove = 🗑 Quitar
btn-node-forget = ⚠️ Ya no existe
btn-look-node = 🖥 Ver { $name }
ask-node-activate =
    ▶️ ¿Activar <b>{ $name }</b>?
    Volverá a recibir servicios nuevos.
ask-node-drain =
    ⏸ ¿Vaciar <b>{ $name }</b>?
    Lo que hay en él sigue funcionando, pero no recibe nada nuevo.
ask-node-maintain =
    🔧 ¿Poner <b>{ $name }</b> en mantenimiento?
    No recibe nada nuevo, y si deja de responder no salta ninguna alerta.
ask-node-remove =
    🗑 ¿Quitar <b>{ $name }</b> para siempre?
    Solo se puede cuando no queda ningún servicio en él.
ask-node-forget =
    ⚠️ ¿<b>{ $name }</b> ya no existe?
    Se dan por perdidas las claves que quedan en él. Si sigue en marcha, seguirán funcionando para siempre.
btn-node-sure = ✔ Sí
node-in-use = { $n ->
    [one] <b>{ $name }</b> no se puede quitar todavía: 1 servicio vive en él.
   *[other] <b>{ $name }</b> no se puede quitar todavía: { $n } servicios viven en él.
}
node-in-use-hint = Vacíalo para que no reciba más, y quítalo cuando quede a cero.
node-keys-left = { $n ->
    [one] <b>{ $name }</b> no se puede quitar todavía: queda 1 clave por retirar de él.
   *[other] <b>{ $name }</b> no se puede quitar todavía: quedan { $n } claves por retirar de él.
}
node-keys-left-hint = Se retiran solas mientras responda: quítalo dentro de un momento. Solo si el servidor ya no está, di que ya no existe.
node-foreign = { $n ->
    [one] Hay 1 clave ajena, no la tocamos.
   *[other] Hay { $n } claves ajenas, no las tocamos.
}
node-config-only = ⚠️ Solo configuraciones: ningún túnel encendido.
node-down = No responde desde hace { $span }.
node-never-seen = Aún no se ha mirado.
node-error = <code>{ $error }</code>

## Añadir un servidor de claves

btn-add-server = ➕ Añadir un servidor
btn-add-outline = Outline
btn-add-telemt = Proxy de Telegram (telemt)
btn-server-leave = ⏭ Lo normal
add-server =
    ➕ <b>Añadir un servidor</b>
    ¿Qué tiene instalado?
add-server-wireguard = Un servidor WireGuard se prepara en su propia máquina, así que se añade en [[nodes]] de la configuración.
server-ask-name =
    ➕ ¿Cómo se va a llamar el servidor?
    Hasta 32 letras, cifras, guiones, puntos o guiones bajos; por ejemplo <code>fra-1</code>.
server-ask-country =
    🌍 ¿Dónde está?
    Escribe las dos letras del país y, si quieres, la ciudad: <code>DE Fráncfort</code>.
server-ask-capacity =
    🧮 ¿Cuántos servicios puede tener?
    Como mucho { $most }, que es también lo que tendrá si lo dejas en lo normal.
server-ask-place =
    📍 ¿A dónde se conectan sus usuarios?
    Escribe servidor y puerto como los ven ellos: <code>proxy.example.com:443</code>.
server-ask-domain =
    🎭 ¿Qué sitio web aparenta ser?
    Escribe el tls_domain de su archivo; por ejemplo <code>www.example.com</code>. Lo normal: ninguno, y no hay secretos con ee.
server-ask-outline =
    🔑 Pega lo que el instalador de Outline escribió al final:
    <code>{"{"}"apiUrl":"https://…","certSha256":"…"{"}"}</code>
    También está en /opt/outline/access.txt del servidor.
server-ask-telemt =
    🔑 Pega la dirección de su interfaz de gestión; por ejemplo <code>http://10.0.0.5:9091</code>.
    Si su archivo tiene auth_header, escribe ese texto en una segunda línea.
server-secret-hint = Le preguntamos enseguida al servidor si es así. Tu mensaje se borra de este chat, porque lleva un secreto.
server-bad-name = ✋ Eso no puede ser un nombre aquí.
server-name-taken = ✋ Otro servidor tiene o tuvo ese nombre. Elige otro; después solo hay que pegar otra vez el secreto.
server-bad-country = ✋ Eso no empieza con las dos letras de un país.
server-bad-capacity = ✋ Eso no es un número del 1 al { $most }.
server-bad-place = ✋ Eso no es un servidor con su puerto.
server-bad-domain = ✋ Eso no es el nombre de un sitio web.
server-bad-outline = ✋ Eso no es lo que escribe el instalador de Outline. Copia la línea entera, con sus llaves.
server-bad-telemt = ✋ Eso no es una dirección que empiece con http:// o https://, con una línea más como mucho.
server-known = ✋ Eso lleva a <b>{ $name }</b>, que ya está aquí.
server-certificate =
    🔴 El servidor muestra otro certificado que el que pegaste; no se añade.
    Muestra <code>{ $seen }</code>
    Si se instaló de nuevo, copia otra vez los dos datos de su access.txt. Si no, hay alguien en medio.
server-answer =
    🔴 El servidor no responde como debe; no se añade.
    <code>{ $error }</code>
server-added = ✅ <b>{ $name }</b> está añadido y recibe servicios nuevos desde ahora.

plans-title = 🏷 <b>Planes</b>
plans-none = No hay ninguno. Añade uno en [[plans]] de la configuración.
plans-product = <b>{ $product }</b>
plan-line = <code>{ $code }</code> · { $terms }
plans-hint = Para dar uno: <code>/grant 123456789 { $code }</code>
btn-plans = 🏷 Planes
grant-usage =
    Escribe el número de la persona y el código del plan:
    <code>/grant 123456789 { $code }</code>
grant-no-plan = No hay ningún plan <code>{ $plan }</code>. Los que hay están en /plans.
ask-grant = 🎁 ¿Dar a <b>{ $name }</b> ({ $id }) este servicio?
btn-grant-now = 🎁 Sí, dárselo
granted = ✅ Hecho. «{ $service }» es de <b>{ $name }</b>; se lo mando en cuanto funcione.
granted-some = ✅ Hecho. Se lo mando en cuanto funcione.

pools-title = 🧮 <b>Direcciones</b>
pools-none = No hay ninguna reserva de direcciones.
pool-title = { $dot } <b>{ $node }</b> · { $purpose }
pool-networks = <code>{ $networks }</code>
pool-counts = { $n ->
    [one] { $live } en uso, { $resting } en reposo, 1 libre de { $total }
   *[other] { $live } en uso, { $resting } en reposo, { $free } libres de { $total }
}
pool-counts-endless = { $live } en uso, { $resting } en reposo, libres de sobra
pool-forecast-days = { $n ->
    [0] Al ritmo de esta semana se llena hoy.
    [one] Al ritmo de esta semana alcanza para 1 día.
   *[other] Al ritmo de esta semana alcanza para { $n } días.
}
pool-forecast-none = Esta semana no se pidió ninguna.
pool-forecast-far = Al ritmo de esta semana alcanza para más de un año.

dead-title = 📮 <b>Mensajes que fallaron</b>
dead-none = ✅ Ninguno. Todo lo que llegó se atendió.
dead-hint = { $n ->
    [one] Hay 1. Toca para leerlo o repetirlo.
   *[other] Hay { $n }. Toca uno para leerlo o repetirlo.
}
btn-dead-letter = #{ $id } · { $code } · { $ago }
btn-dead-letter-done = ✔ #{ $id } · { $code } · { $ago }
dead-letter-title = 📮 <b>Mensaje #{ $id }</b> · ref: <code>{ $code }</code>
dead-letter-about = { $n ->
    [one] 1 intento · { $ago } · vía { $lane }
   *[other] { $n } intentos · { $ago } · vía { $lane }
}
dead-letter-user = De: { $user }
dead-letter-error = <code>{ $error }</code>
dead-letter-replayed = 🔁 Se repitió { $ago }.
dead-letter-gone = Ese mensaje ya no está: se borró al cumplir su plazo.
btn-replay = 🔁 Repetirlo
btn-user = 👤 ¿Quién es?
btn-dead-list = 📮 Ver los que fallaron
replayed = 🔁 El mensaje #{ $id } volvió a la entrada y se atiende ahora.

user-unknown = No conozco a nadie con el id { $id }. Quizá nunca abrió el bot.
user-usage =
    Escribe el número de la persona detrás del comando:
    <code>/user 123456789</code>
user-language = Idioma: { $language } · { $zone }

## Ayudar a alguien

care-gone =
    Ese servicio ya no está, o eso ya no se puede hacer con él.
    Vuelve a la ficha y mira cómo está ahora.
care-reason-expiry = En pausa porque terminó su tiempo. Con más días vuelve.
care-reason-quota = En pausa porque gastó su tráfico.
care-reason-admin = En pausa por un administrador.
care-ask-pause =
    ⏸ ¿Poner en pausa <b>{ $name }</b>?
    Deja de conectar hasta que alguien quite la pausa.
care-ask-resume =
    ▶️ ¿Quitar la pausa de <b>{ $name }</b>?
    Si gastó su tráfico, empieza a contar de cero. Si terminó su tiempo, dale más días.
care-ask-extend = { $n ->
    [one] ➕ ¿Dar 1 día más a <b>{ $name }</b>?
   *[other] ➕ ¿Dar { $n } días más a <b>{ $name }</b>?
}
care-ask-revoke =
    🗑 ¿Revocar <b>{ $name }</b>?
    Deja de conectar ya, y no vuelve.
care-told = Su dueño recibe un aviso ahora mismo, en su idioma.
cared-pause =
    ⏸ Un administrador puso en pausa «{ $name }».
    Ya no conecta. Si crees que es un error, habla con quien te invitó a este bot.
cared-resume =
    ▶️ Un administrador volvió a abrir «{ $name }».
    Mira en su ficha cómo está ahora; lo que ya tienes sigue valiendo.
cared-extend = { $n ->
    [one] 🎁 Un administrador te dio 1 día más: «{ $name }» dura hasta el { $date }.
   *[other] 🎁 Un administrador te dio { $n } días más: «{ $name }» dura hasta el { $date }.
}
cared-revoke =
    🗑 Un administrador revocó «{ $name }».
    Ya no conecta y no vuelve. Si crees que es un error, habla con quien te invitó a este bot.
btn-care-pause = ⏸ Pausar
btn-care-resume = ▶️ Quitar la pausa
btn-care-extend = { $n ->
    [one] ➕ 1 día
   *[other] ➕ { $n } días
}

## Promoción de un proxy

node-promoted = 📣 Promociona un canal: { $tag }
promotion-title = 📣 <b>Promocionar { $name }</b> · paso { $n } de 4
promotion-start =
    Quien use los proxies de este servidor verá tu canal arriba en su lista.
    Abre @MTProxybot y envíale el comando; luego sigue aquí.
promotion-place = @MTProxybot pregunta por el servidor y el puerto. Cópialos y envíaselos juntos.
promotion-secret =
    Ahora pide el secreto. Cópialo y envíaselo tal cual.
    No es de nadie y solo sirve para registrar: no se lo des a ningún usuario.
promotion-tag =
    @MTProxybot responde con una etiqueta de 32 cifras y letras. Pega aquí esa respuesta, entera si quieres.
    No repartas el enlace que te dé: el de cada usuario es el suyo.
promotion-over =
    El registro de <b>{ $name }</b> ya no está abierto.
    Empieza otra vez; no se perdió ninguna etiqueta.
tag-none = ❌ Ahí no hay ninguna etiqueta: son 32 cifras y letras de la a a la f.
tag-zeros = ❌ Una etiqueta de ceros no vale: significa que no hay promoción.
tag-secret = ❌ Eso es un secreto de este servidor, no la etiqueta. La etiqueta es lo que @MTProxybot responde al final.
tag-several = ❌ Ahí hay varias que podrían ser. Pega solo la etiqueta.
promoted =
    ✅ <b>{ $name }</b> ya tiene su etiqueta.
    La reciben todos sus usuarios en menos de un minuto.
promoted-next =
    Falta el canal: en @MTProxybot envía el comando, elige el servidor, «Set promotion» y el enlace de un canal público.
    Telegram tarda cerca de una hora. Quien ya está en el canal no lo ve.
ask-unpromote =
    📣 ¿Quitar la promoción de <b>{ $name }</b>?
    Sus usuarios dejan de ver el canal. La etiqueta no se guarda.
btn-promote = 📣 Promocionar un canal
btn-promote-again = 📣 Otra etiqueta
btn-unpromote = 🗑 Quitar promoción
btn-mtproxybot = ✈️ Abrir @MTProxybot
btn-copy = 📋 Copiar { $what }
btn-copy-place = 📋 Copiar servidor y puerto
btn-copy-host = 📋 Servidor
btn-copy-port = 📋 Puerto
btn-copy-secret = 📋 Copiar el secreto
btn-step-next = Siguiente ▶️

## Alertas

alert-since = Desde hace { $span }.
alert-times = Ya van { $n } veces.
alert-gone = ✅ Hubo una alerta, pero ya no está.
alert-lasted = Duró { $span }.
alert-node-down = 🔴 <b>{ $node }</b> no responde.
alert-foreign = { $n ->
    [one] 🟡 En <b>{ $node }</b> hay 1 clave que no es nuestra. No la tocamos.
   *[other] 🟡 En <b>{ $node }</b> hay { $n } claves que no son nuestras. No las tocamos.
}
alert-pool = { $n ->
    [one] 🟡 En <b>{ $node }</b> queda 1 de { $total } direcciones ({ $purpose }).
   *[other] 🟡 En <b>{ $node }</b> quedan { $free } de { $total } direcciones ({ $purpose }).
}
alert-server-full = 🟡 A <b>{ $node }</b> le quedan pocas plazas: { $used } de { $capacity } ocupadas.
alert-probe = 🔴 <b>{ $node }</b> contesta, pero no atiende a sus usuarios.
alert-actor = 🟡 «{ $actor }» fallaba una y otra vez y quedó en pausa.
alert-dead = { $n ->
    [one] 🟡 1 mensaje no se pudo atender.
   *[other] 🟡 { $n } mensajes no se pudieron atender.
}
alert-telegram = 🔴 Telegram no nos acepta.
alert-payment =
    🔴 Llegó un pago que nadie esperaba.
    Hay que devolverlo a mano; cuando esté hecho, dilo con el botón.
alert-payment-line = 🔴 Llegó un pago que nadie esperaba y hay que devolverlo a mano.
alert-secret = 🔴 En <b>{ $node }</b> no se puede abrir el secreto del servicio { $service }. Los demás siguen; revisa el archivo de la clave maestra.
btn-settle = ✔ Ya está resuelto
alert-late = { $n ->
    [one] 🔴 1 servicio espera a su servidor más de la cuenta.
   *[other] 🔴 { $n } servicios esperan a su servidor más de la cuenta.
}
over-node-down = ✅ <b>{ $node }</b> responde otra vez.
over-foreign = ✅ En <b>{ $node }</b> ya no hay claves ajenas.
over-pool = ✅ En <b>{ $node }</b> vuelve a haber direcciones libres ({ $purpose }).
over-server-full = ✅ En <b>{ $node }</b> vuelve a haber plazas.
over-probe = ✅ <b>{ $node }</b> atiende otra vez a sus usuarios.
over-actor = ✅ «{ $actor }» vuelve a funcionar.
over-dead = ✅ No quedan mensajes fallidos por mirar.
over-telegram = ✅ Telegram nos acepta otra vez.
over-payment = ✅ Quedó resuelto el pago inesperado.
over-late = ✅ Ningún servicio espera ya a su servidor.
over-secret = ✅ En <b>{ $node }</b> ya se abre el secreto del servicio { $service }.

## Lo que Telegram muestra del bot

cmd-start = Inicio: lo tuyo y el menú
cmd-vpn = Tus VPN: archivo, enlace, QR, clave
cmd-proxy = Tus proxies para Telegram
cmd-trial = Lo que hay gratis
cmd-status = ¿Funciona todo lo mío?
cmd-profile = Quién soy aquí
cmd-settings = Idioma, hora y avisos
cmd-help = Cómo funciona
cmd-cancel = Dejar lo que estemos haciendo
cmd-privacy = Qué sé de ti
cmd-terms = Las reglas, en corto
cmd-nodes = Servidores
cmd-pools = Direcciones
cmd-plans = Planes
cmd-grant = Dar un servicio: número y plan
cmd-deadletters = Mensajes que fallaron
cmd-user = La ficha de alguien: su número
bot-description =
    Una VPN o un proxy que funciona en un minuto, sin salir de Telegram.

    Pulsa «Iniciar», pide lo que hay gratis y recibe tu WireGuard, tu Outline o tu proxy para el teléfono o la computadora.
bot-short-description = Tu VPN o tu proxy en un minuto, sin salir de Telegram. Prueba gratis.

## Ciudades de las zonas horarias

tz-america-havana = 🇨🇺 La Habana
tz-america-mexico-city = 🇲🇽 Ciudad de México
tz-america-cancun = 🇲🇽 Cancún
tz-america-tijuana = 🇲🇽 Tijuana
tz-america-guatemala = 🇬🇹 Guatemala
tz-america-tegucigalpa = 🇭🇳 Tegucigalpa
tz-america-el-salvador = 🇸🇻 San Salvador
tz-america-managua = 🇳🇮 Managua
tz-america-costa-rica = 🇨🇷 San José
tz-america-panama = 🇵🇦 Panamá
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
tz-america-new-york = 🇺🇸 Miami y Nueva York
tz-america-chicago = 🇺🇸 Chicago y Houston
tz-america-denver = 🇺🇸 Denver
tz-america-los-angeles = 🇺🇸 Los Ángeles
tz-america-toronto = 🇨🇦 Toronto
tz-atlantic-canary = 🇪🇸 Canarias
tz-europe-madrid = 🇪🇸 Madrid
tz-europe-lisbon = 🇵🇹 Lisboa
tz-europe-london = 🇬🇧 Londres
tz-europe-paris = 🇫🇷 París
tz-europe-rome = 🇮🇹 Roma
tz-europe-berlin = 🇩🇪 Berlín
tz-europe-moscow = 🇷🇺 Moscú
tz-europe-istanbul = 🇹🇷 Estambul
tz-africa-luanda = 🇦🇴 Luanda
tz-asia-dubai = 🇦🇪 Dubái
tz-asia-kolkata = 🇮🇳 Delhi
tz-asia-shanghai = 🇨🇳 Pekín

## Países de los servidores

t-country-us = Estados Unidos
t-country-ca = Canadá
t-country-mx = México
t-country-cu = Cuba
t-country-do = República Dominicana
t-country-pa = Panamá
t-country-co = Colombia
t-country-br = Brasil
t-country-cl = Chile
t-country-ar = Argentina
t-country-pe = Perú
t-country-es = España
t-country-pt = Portugal
t-country-fr = Francia
t-country-de = Alemania
t-country-nl = Países Bajos
t-country-be = Bélgica
t-country-lu = Luxemburgo
t-country-ch = Suiza
t-country-at = Austria
t-country-it = Italia
t-country-gb = Reino Unido
t-country-ie = Irlanda
t-country-dk = Dinamarca
t-country-se = Suecia
t-country-no = Noruega
t-country-fi = Finlandia
t-country-is = Islandia
t-country-ee = Estonia
t-country-lv = Letonia
t-country-lt = Lituania
t-country-pl = Polonia
t-country-cz = Chequia
t-country-hu = Hungría
t-country-ro = Rumanía
t-country-bg = Bulgaria
t-country-rs = Serbia
t-country-gr = Grecia
t-country-md = Moldavia
t-country-ua = Ucrania
t-country-ru = Rusia
t-country-kz = Kazajistán
t-country-tr = Turquía
t-country-il = Israel
t-country-ae = Emiratos Árabes Unidos
t-country-in = India
t-country-sg = Singapur
t-country-hk = Hong Kong
t-country-jp = Japón
t-country-kr = Corea del Sur
t-country-au = Australia
t-country-za = Sudáfrica
