# Lo que dice el bot, en español. Reglas: cálido, de «tú», números y siguiente paso primero, como mucho un emoji por línea.
# Las claves que empiezan por btn-, toast-, cmd-, bot-, tz-, t- son texto llano; las demás son HTML de Telegram.

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
t-state-pending = preparándose
t-state-node-down = su servidor no responde
t-state-time-over = terminó
t-state-quota-over = sin tráfico
t-state-quota = { $percent } % de { $quota }
t-state-paused = en pausa
t-state-revoked = revocada
t-state-failed = no se pudo crear
t-purpose-trial = prueba
t-purpose-paid = de pago
t-role-admin = administrador
t-role-superadmin = superadministrador

## Inicio

home-hello = Hola, <b>{ $name }</b> 👋
home-welcome =
    Aquí consigues una VPN que funciona en un minuto.
    No hace falta nada más que este chat.
home-none = Todavía no tienes ninguna VPN.
home-trial-hint = { $days ->
    [one] 🎁 Te espera una prueba gratis de 1 día.
   *[other] 🎁 Te espera una prueba gratis de { $days } días.
}
home-more = … y { $n } más en «VPN».
service-line = { $dot } <b>{ $name }</b> · { $product } · { $place } · { $state }

btn-vpn = 🔐 VPN
btn-trial = { $days ->
    [one] 🎁 Probar gratis 1 día
   *[other] 🎁 Probar gratis { $days } días
}
btn-profile = 👤 Perfil
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

## Mis VPN y su ficha

vpn-title = 🔐 <b>Tus VPN</b>
vpn-hint = Toca una para ver su archivo, su QR y lo que le queda.
vpn-empty = Todavía no tienes ninguna.
btn-service = { $dot } { $name } · { $state }
btn-my-vpn = 🔐 Mis VPN

card-title = { $dot } <b>{ $name }</b>
card-server = { $product } · { $place } ({ $node })
card-trial = { $product } de prueba · { $place } ({ $node })
card-ends = Termina el { $date } ({ $left })
card-ended = Terminó el { $date }
card-starts-later = Su tiempo empieza a contar cuando funcione.
card-usage = { $usage }  { $bar }
card-usage-unlimited = { $used } usados, sin límite
card-handshake = Última conexión: { $ago }
card-handshake-never = Aún no se ha conectado nunca.
card-own-key = 🔑 Usa tu propia clave; la privada solo la tienes tú.
card-pending = ⏳ La estamos preparando. Te aviso aquí en cuanto funcione.
card-node-down =
    ⚠️ Su servidor no responde ahora mismo.
    Volverá sola en cuanto el servidor conteste; no tienes que hacer nada.
card-config-only =
    ⚠️ Ahora mismo no hay ningún túnel encendido en esta máquina.
    El archivo es de verdad, pero no conectará con nada.
card-over-expiry = Su tiempo se acabó, así que ya no conecta.
card-over-quota = Gastó todo su tráfico, así que ya no conecta.
card-over-hint = Puedes revocarla para quitarla de tu lista.
card-over-admin = Un administrador la puso en pausa. Si crees que es un error, habla con quien te invitó a este bot.
card-expired = Se acabó su tiempo y ya no existe en el servidor.
card-revoked = Está revocada y ya no conecta.
card-failed = El servidor no pudo crearla. Lo sentimos.

btn-file = 📄 Archivo
btn-qr = 🔳 QR
btn-rename = ✏️ Nombre
btn-rotate = 🔁 Cambiar clave
btn-revoke = 🗑 Revocar
btn-ios = 📱 iPhone
btn-android = 🤖 Android
btn-pc = 💻 PC

## De la prueba a la VPN lista

trial-offer =
    🎁 <b>Prueba gratis de { $days ->
        [one] 1 día
       *[other] { $days } días
    }</b>

    { $quota } de tráfico con WireGuard, sin pagar nada.
    Los días cuentan desde que la VPN funciona. Es una prueba por persona.

    ¿Conoces WireGuard? También puedes usar tu propia clave.
btn-trial-take = 🎁 Quiero mi prueba
btn-own-key = 🔑 Usar mi propia clave
trial-used = Ya usaste tu prueba de WireGuard el { $date }. Es una por persona.
trial-used-here = Aquí la tienes:
btn-card-of-trial = 🔐 Ver mi prueba
trial-pool-full =
    Ahora mismo no queda sitio para más pruebas.
    Los administradores ya lo saben. Tu prueba sigue guardada: vuelve a intentarlo en unas horas.
trial-no-node =
    Ahora mismo ningún servidor da pruebas.
    La tuya sigue guardada: vuelve a intentarlo en un rato.
btn-retry = 🔄 Intentar otra vez

preparing =
    ⏳ Preparando tu { $product }…
    Suele tardar unos segundos; este mensaje cambia solo.
btn-look = 🔄 Ver cómo va
waiting =
    ⏳ El servidor de { $place } no responde en este momento.
    Tu VPN «{ $name }» está guardada y se creará sola en cuanto vuelva. Te aviso aquí; no tienes que hacer nada.
waiting-key =
    ⏳ El servidor de { $place } no responde en este momento.
    La clave nueva de «{ $name }» está guardada y entrará sola en cuanto vuelva. Te aviso aquí; no tienes que hacer nada.
ready =
    ✅ <b>Listo.</b> Tu VPN «{ $name }» está activa hasta el { $date } ({ $left }).
    Abre su archivo con la app WireGuard; abajo te digo cómo.
ready-config-only =
    ✅ <b>Tu archivo está listo.</b> «{ $name }» vale hasta el { $date } ({ $left }).

    ⚠️ Pero en esta máquina no hay ningún túnel encendido: el archivo es de verdad y no conectará con nada.
ready-own-key = 🔑 En el archivo, escribe tu clave privada en la línea <code>PrivateKey</code>.
failed =
    ❌ No pudimos crear «{ $name }».
    Lo sentimos. Puedes pedirla otra vez; si vuelve a fallar, prueba mañana.
btn-name-it = ✏️ Ponerle nombre
ended =
    🔴 «{ $name }» terminó el { $date }.
    Ya no conecta. Puedes ver lo que usaste en su ficha.
ended-some =
    🔴 Una de tus VPN terminó.
    Ya no conecta. Mira las que te quedan en tu lista.
over-quota =
    🔴 «{ $name }» gastó sus { $quota } de tráfico.
    Ya no conecta. Puedes ver lo que usaste en su ficha.
over-quota-some =
    🔴 Una de tus VPN gastó todo su tráfico.
    Ya no conecta. Mira las que te quedan en tu lista.
btn-card = 🔐 Ver «{ $name }»

file-caption = 📄 <b>{ $name }</b>. Ábrelo con la app WireGuard. Es solo para ti: quien lo tenga usa tu VPN.
file-caption-own-key = 📄 <b>{ $name }</b>. Antes de usarlo, escribe tu clave privada en la línea <code>PrivateKey</code>.
qr-caption = 🔳 <b>{ $name }</b>. Escanéalo desde la app WireGuard con «+». Es solo para ti: quien lo vea puede usar tu VPN.

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

## Cambios en una VPN

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
ask-rotate =
    🔁 ¿Cambiar la clave de «{ $name }»?
    El archivo de ahora deja de funcionar ya mismo y te mando uno nuevo.
btn-rotate-now = 🔁 Sí, cambiarla
key-taken =
    🔑 Esa clave ya está en uso, así que no puede servir aquí.
    Crea un par de claves nuevo en tu app y pega aquí su clave pública.
ask-revoke =
    🗑 ¿Revocar «{ $name }»? Dejará de funcionar ya.
    No se puede deshacer.
ask-revoke-trial = Es tu prueba gratis y no podrás pedir otra.
btn-revoke-now = 🗑 Sí, revocar
btn-keep = ⬅️ No, la conservo
revoked = 🗑 «{ $name }» está revocada: ya no conecta y su archivo no vale.
revoked-some = 🗑 Revocada: ya no conecta y su archivo no vale.

## Yo y mis ajustes

profile-title = 👤 <b>{ $name }</b>
profile-username = Usuario: @{ $username }
profile-id = Id: { $id }
profile-since = Aquí desde: { $date }
profile-seen = Última visita: { $ago }
profile-services = { $n ->
    [0] VPN: ninguna todavía
    [one] VPN: 1
   *[other] VPN: { $n }
}
profile-role = Rol: { $role }
profile-blocked = 🚫 Tiene el bot bloqueado.
btn-privacy = 🔒 Privacidad
btn-terms = 📜 Condiciones

status-good = { $n ->
    [one] ✅ <b>Todo bien.</b> Tu VPN y su servidor funcionan.
   *[other] ✅ <b>Todo bien.</b> Tus { $n } VPN y sus servidores funcionan.
}
status-bad = ⚠️ <b>Algo no va del todo bien.</b>
status-none = No tienes ninguna VPN en marcha, así que no hay nada que vigilar.

settings-title = ⚙️ <b>Ajustes</b>
settings-language = Idioma: <b>{ $language }</b>
settings-zone = Zona horaria: <b>{ $zone }</b> (ahí son las { $time })
btn-language = 🌐 Idioma
btn-zone = 🕐 Zona horaria
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

    1. Pides tu VPN con dos toques.
    2. Te mando un archivo; lo abres con la app gratuita WireGuard.
    3. Enciendes el interruptor y navegas.

    /vpn tus VPN: archivo, QR, nombre, clave
    /trial la prueba gratis
    /status si todo lo tuyo funciona
    /profile quién eres aquí
    /settings idioma y zona horaria
    /cancel deja lo que estemos haciendo
    /privacy y /terms lo que guardo y las reglas
help-admin =
    🛠 <b>Para administradores</b>
    /nodes servidores
    /pools direcciones
    /deadletters mensajes que fallaron
    /user y un número: la ficha de alguien
privacy =
    🔒 <b>Qué sé de ti</b>

    Guardo tu id, nombre y usuario de Telegram, tu idioma y tu zona horaria, y cuándo pasaste por aquí.
    De cada VPN: su nombre, sus direcciones internas, cuánto tráfico usa y su última conexión.
    Las claves se guardan cifradas. Si usas tu propia clave, la privada nunca la tengo.

    <b>No guardo</b> qué páginas visitas, qué haces por la VPN ni desde dónde te conectas.

    Lo que me escribes se guarda { $days ->
        [one] 1 día
       *[other] { $days } días
    }, por si algo falla y hay que repetirlo; después se borra el contenido.
    Cada cambio queda anotado: quién, qué y cuándo. Los administradores pueden ver tu ficha, no tu tráfico.
terms =
    📜 <b>Las reglas, en corto</b>

    Usa la VPN para lo que sea legal donde estás.
    Nada de spam, ataques, fraudes ni de revender el acceso. Quien abusa lo pierde.
    Hay una prueba por persona; dura { $days ->
        [one] 1 día
       *[other] { $days } días
    } y trae { $quota } de tráfico.
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
    No encuentro esa VPN entre las tuyas.
    Puede que terminara o que la revocaras. Estas son las que tienes:
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
system-services = VPN: { $list }
system-services-none = VPN: ninguna
t-status-pending = { $count } esperando
t-status-active = { $n ->
    [one] 1 activa
   *[other] { $count } activas
}
t-status-suspended = { $count } en pausa
t-status-expired = { $n ->
    [one] 1 terminada
   *[other] { $count } terminadas
}
t-status-revoked = { $n ->
    [one] 1 revocada
   *[other] { $count } revocadas
}
t-status-failed = { $n ->
    [one] 1 fallida
   *[other] { $count } fallidas
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
system-pending-oldest = La que más espera lleva { $span }
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
node-title = { $dot } <b>{ $name }</b> · { $place }
node-mode = { $mode } · <code>{ $endpoint }</code>
node-counts = { $active }, { $pending }
node-foreign = { $n ->
    [one] 1 peer ajeno, no lo tocamos
   *[other] { $n } peers ajenos, no los tocamos
}
node-config-only = ⚠️ solo configuraciones: ningún túnel encendido
node-down = no responde desde hace { $span }
node-never-seen = aún no se ha mirado
node-error = <code>{ $error }</code>

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

## Alertas

alert-since = Desde hace { $span }.
alert-times = Ya van { $n } veces.
alert-gone = ✅ Hubo una alerta, pero ya no está.
alert-lasted = Duró { $span }.
alert-node-down = 🔴 <b>{ $node }</b> no responde.
alert-foreign = { $n ->
    [one] 🟡 En <b>{ $node }</b> hay 1 peer que no es nuestro. No lo tocamos.
   *[other] 🟡 En <b>{ $node }</b> hay { $n } peers que no son nuestros. No los tocamos.
}
alert-pool = { $n ->
    [one] 🟡 En <b>{ $node }</b> queda 1 de { $total } direcciones ({ $purpose }).
   *[other] 🟡 En <b>{ $node }</b> quedan { $free } de { $total } direcciones ({ $purpose }).
}
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
alert-secret = 🔴 En <b>{ $node }</b> no se puede abrir el secreto de la VPN { $service }. Las demás siguen; revisa el archivo de la clave maestra.
btn-settle = ✔ Ya está resuelto
alert-late = { $n ->
    [one] 🔴 1 VPN espera a su servidor más de la cuenta.
   *[other] 🔴 { $n } VPN esperan a su servidor más de la cuenta.
}
over-node-down = ✅ <b>{ $node }</b> responde otra vez.
over-foreign = ✅ En <b>{ $node }</b> ya no hay peers ajenos.
over-pool = ✅ En <b>{ $node }</b> vuelve a haber direcciones libres ({ $purpose }).
over-actor = ✅ «{ $actor }» vuelve a funcionar.
over-dead = ✅ No quedan mensajes fallidos por mirar.
over-telegram = ✅ Telegram nos acepta otra vez.
over-payment = ✅ Quedó resuelto el pago inesperado.
over-late = ✅ Ninguna VPN espera ya a su servidor.
over-secret = ✅ En <b>{ $node }</b> ya se abre el secreto de la VPN { $service }.

## Lo que Telegram muestra del bot

cmd-start = Inicio: tus VPN y el menú
cmd-vpn = Tus VPN: archivo, QR, nombre, clave
cmd-trial = Probar gratis
cmd-status = ¿Funciona todo lo mío?
cmd-profile = Quién soy aquí
cmd-settings = Idioma y zona horaria
cmd-help = Cómo funciona
cmd-cancel = Dejar lo que estemos haciendo
cmd-privacy = Qué sé de ti
cmd-terms = Las reglas, en corto
bot-description =
    Una VPN que funciona en un minuto, sin salir de Telegram.

    Pulsa «Iniciar», pide tu prueba gratis y recibe tu archivo de WireGuard para el teléfono o la computadora.
bot-short-description = Tu VPN en un minuto, sin salir de Telegram. Prueba gratis.

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
