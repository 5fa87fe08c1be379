//! The proxy port: takes the handshakes of the users' secrets, classic, padded and fake TLS, and answers a client's first
//! message itself, as the data centre behind a real proxy would.

use std::collections::HashSet;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::DataCentre;
use super::Server;
use super::fake_tls;
use super::fake_tls::Hello;
use super::fake_tls::MAX_RECORD_BYTES;
use super::obfuscated;
use super::obfuscated::Frames;
use super::obfuscated::Framing;
use super::obfuscated::INIT_BYTES;
use super::obfuscated::Session;
use crate::door::Mode;
use crate::random;
use crate::world::Shared;
use crate::world::lock;

/// Connections at once; more are closed at once.
const MAX_CONNECTIONS: usize = 1024;
/// A handshake comes within this time.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// A connection that stays silent, or is kept in silence, lasts so long.
const IDLE_FOR: Duration = Duration::from_secs(60);
/// What comes in is read in pieces of so many bytes.
const CHUNK_BYTES: usize = 4096;
/// Hellos that are remembered, so that none is taken twice; beyond that all are forgotten.
const MAX_HELLOS: usize = 65_536;
/// The transport's error for an unknown data centre.
const NOT_FOUND: i32 = -404;
/// So long after an accept that failed.
const RETRY_AFTER: Duration = Duration::from_millis(20);

/// Accepts for ever; when it is dropped, so are the connections.
pub async fn run(world: Shared, server: Arc<Server>, listener: TcpListener) {
    let proxy = Arc::new(Proxy {
        world,
        server,
        hellos: Mutex::default(),
    });
    let mut connections = JoinSet::new();
    loop {
        let accepted = listener.accept().await;
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok(_) if connections.len() >= MAX_CONNECTIONS => {}
            Ok((stream, address)) => {
                connections.spawn(proxy.clone().connection(stream, address.ip()));
            }
            Err(_) => tokio::time::sleep(RETRY_AFTER).await,
        }
    }
}

struct Proxy {
    world: Shared,
    server: Arc<Server>,
    hellos: Mutex<HashSet<[u8; 32]>>,
}

/// A user whose secret fits.
struct Admitted {
    name: String,
    secret: [u8; 16],
}

impl Proxy {
    async fn connection(self: Arc<Self>, stream: TcpStream, ip: IpAddr) {
        match self.server.habits().mode {
            Mode::Refuse => return,
            Mode::Hang => return std::future::pending().await,
            Mode::Up => {}
        }
        // However it ends, nobody is to be told.
        let _ = self.handshake(stream, ip).await;
    }

    async fn handshake(&self, mut stream: TcpStream, ip: IpAddr) -> io::Result<()> {
        let mut head = [0; 5];
        if !in_time(stream.read_exact(&mut head)).await {
            return Ok(());
        }
        if let [0x16, 0x03, 0x01, high, low] = head {
            let length = usize::from(u16::from_be_bytes([high, low]));
            let mut record = head.to_vec();
            record.resize(5 + length, 0);
            if length > MAX_RECORD_BYTES || !in_time(stream.read_exact(&mut record[5..])).await {
                return Ok(());
            }
            return self.fake_tls(stream, ip, record).await;
        }
        let mut init = [0; INIT_BYTES];
        init[..5].copy_from_slice(&head);
        if !in_time(stream.read_exact(&mut init[5..])).await {
            return Ok(());
        }
        match self.open(&init, ip, None) {
            Some((user, session)) => {
                let wire = Wire { stream, tls: false };
                self.talk(wire, ip, &user, session).await
            }
            None => silence(stream).await,
        }
    }

    /// Those who are let in from this address.
    fn candidates(&self, ip: IpAddr) -> Vec<Admitted> {
        let now = self.world.clock.now();
        let running = self.server.running();
        let state = self.server.state();
        let admitted = running
            .users
            .iter()
            .filter(|(name, user)| state.admits(name, user, ip, now));
        admitted
            .filter_map(|(name, user)| {
                let secret = random::from_hex(&user.secret)?.try_into().ok()?;
                let name = name.clone();
                Some(Admitted { name, secret })
            })
            .collect()
    }

    /// Whose obfuscated connection this is; inside TLS it must be the one who said hello.
    fn open(
        &self,
        init: &[u8; INIT_BYTES],
        ip: IpAddr,
        hello_of: Option<Admitted>,
    ) -> Option<(Admitted, Session)> {
        let running = self.server.running();
        let inside_tls = hello_of.is_some();
        let candidates = match hello_of {
            Some(user) => vec![user],
            None => self.candidates(ip),
        };
        let opened = candidates.into_iter().find_map(|user| {
            let session = Session::open(init, &user.secret)?;
            Some((user, session))
        });
        opened.filter(|(_, session)| match session.framing {
            Framing::Padded => {
                inside_tls || running.has_mode("secure") || running.has_mode("classic")
            }
            _ => !inside_tls && running.has_mode("classic"),
        })
    }

    async fn fake_tls(&self, mut stream: TcpStream, ip: IpAddr, record: Vec<u8>) -> io::Result<()> {
        let Some(hello) = Hello::parse(record) else {
            return silence(stream).await;
        };
        let now = self.world.clock.now();
        let running = self.server.running();
        let domains = running.tls_domains();
        let is_ours = hello
            .server_name
            .as_ref()
            .is_some_and(|name| domains.contains(name));
        let user = (is_ours && running.has_mode("tls"))
            .then(|| self.candidates(ip))
            .into_iter()
            .flatten()
            .find(|user| hello.fits(&user.secret, now));
        let Some(user) = user.filter(|_| self.is_new(hello.random())) else {
            // As the site behind the mask would answer.
            stream.write_all(&hello.reply(None)).await?;
            return silence(stream).await;
        };
        stream.write_all(&hello.reply(Some(&user.secret))).await?;
        let mut wire = Wire { stream, tls: true };
        let mut init = Vec::new();
        while init.len() < INIT_BYTES {
            match timeout(HANDSHAKE_WITHIN, wire.read()).await {
                Ok(Ok(bytes)) if !bytes.is_empty() => init.extend(bytes),
                _ => return Ok(()),
            }
        }
        let more = init.split_off(INIT_BYTES);
        let Ok(init) = <[u8; INIT_BYTES]>::try_from(init) else {
            return Ok(());
        };
        match self.open(&init, ip, Some(user)) {
            Some((user, mut session)) => {
                let mut frames = Frames::default();
                let mut more = more;
                session.decrypt(&mut more);
                frames.push(&more);
                self.count(&user.name, more.len());
                self.talk_on(wire, ip, &user, session, frames).await
            }
            None => silence(wire.stream).await,
        }
    }

    fn is_new(&self, random: [u8; 32]) -> bool {
        let mut hellos = lock(&self.hellos);
        if hellos.len() >= MAX_HELLOS {
            hellos.clear();
        }
        hellos.insert(random)
    }

    fn count(&self, name: &str, bytes: usize) {
        if bytes > 0 {
            let bytes = u64::try_from(bytes).unwrap_or_default();
            self.server.state().add_octets(name, bytes);
            self.world.touch();
        }
    }

    async fn talk(
        &self,
        wire: Wire,
        ip: IpAddr,
        user: &Admitted,
        session: Session,
    ) -> io::Result<()> {
        self.talk_on(wire, ip, user, session, Frames::default())
            .await
    }

    /// Talks until the client goes, or the user is disabled or removed.
    async fn talk_on(
        &self,
        wire: Wire,
        ip: IpAddr,
        user: &Admitted,
        session: Session,
        frames: Frames,
    ) -> io::Result<()> {
        let mut running = self.server.running.subscribe();
        let _live = Live::start(&self.server, &user.name, ip);
        let gone = running.wait_for(|now| {
            let user = now.file.users.get(&user.name);
            user.is_none_or(|user| !user.enabled)
        });
        tokio::select! {
            _ = gone => Ok(()),
            done = self.exchange(wire, &user.name, session, frames) => done,
        }
    }

    async fn exchange(
        &self,
        mut wire: Wire,
        name: &str,
        mut session: Session,
        mut frames: Frames,
    ) -> io::Result<()> {
        loop {
            while let Some(message) = match frames.next(session.framing) {
                Ok(message) => message,
                Err(obfuscated::TooLong) => return Ok(()),
            } {
                let centre = self.server.habits().data_centre;
                let answer = match centre {
                    DataCentre::Silent => continue,
                    DataCentre::Up if session.is_known_data_centre() => {
                        obfuscated::answer(&message, self.world.clock.now())
                    }
                    _ => None,
                };
                let answer = match answer {
                    Some(answer) => session.frame(&answer),
                    // An error is four bytes without padding.
                    None => {
                        let error = NOT_FOUND.to_le_bytes().to_vec();
                        match session.framing {
                            Framing::Abridged => [vec![1], error].concat(),
                            _ => [4_u32.to_le_bytes().to_vec(), error].concat(),
                        }
                    }
                };
                let mut answer = answer;
                session.encrypt(&mut answer);
                self.count(name, answer.len());
                wire.write(&answer).await?;
            }
            let Ok(bytes) = timeout(IDLE_FOR, wire.read()).await else {
                return Ok(());
            };
            let mut bytes = bytes?;
            if bytes.is_empty() {
                return Ok(());
            }
            self.count(name, bytes.len());
            session.decrypt(&mut bytes);
            frames.push(&bytes);
        }
    }
}

/// A connection that counts while it lasts.
struct Live<'a> {
    server: &'a Server,
    name: &'a str,
    ip: IpAddr,
}

impl<'a> Live<'a> {
    fn start(server: &'a Server, name: &'a str, ip: IpAddr) -> Self {
        let mut state = server.state();
        let counters = state.counters.entry(name.to_owned()).or_default();
        *counters.live.entry(ip).or_default() += 1;
        Self { server, name, ip }
    }
}

impl Drop for Live<'_> {
    fn drop(&mut self) {
        let mut state = self.server.state();
        let Some(counters) = state.counters.get_mut(self.name) else {
            return;
        };
        if let Some(count) = counters.live.get_mut(&self.ip) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counters.live.remove(&self.ip);
            }
        }
    }
}

async fn in_time<T>(reading: impl Future<Output = io::Result<T>>) -> bool {
    matches!(timeout(HANDSHAKE_WITHIN, reading).await, Ok(Ok(_)))
}

/// Reads on without a word.
async fn silence(mut stream: TcpStream) -> io::Result<()> {
    let mut sink = [0; CHUNK_BYTES];
    let reading = async {
        while stream.read(&mut sink).await? > 0 {}
        Ok(())
    };
    timeout(IDLE_FOR, reading).await.unwrap_or(Ok(()))
}

/// A stream of bytes, in TLS records or not.
struct Wire {
    stream: TcpStream,
    tls: bool,
}

impl Wire {
    /// The next piece; empty at the end. To be called anew only after it has returned.
    async fn read(&mut self) -> io::Result<Vec<u8>> {
        if !self.tls {
            let mut chunk = vec![0; CHUNK_BYTES];
            let count = self.stream.read(&mut chunk).await?;
            chunk.truncate(count);
            return Ok(chunk);
        }
        loop {
            let mut head = [0; 5];
            match self.stream.read_exact(&mut head).await {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Vec::new()),
                result => result?,
            };
            let length = usize::from(u16::from_be_bytes([head[3], head[4]]));
            if length > MAX_RECORD_BYTES {
                return Err(io::ErrorKind::InvalidData.into());
            }
            let mut content = vec![0; length];
            self.stream.read_exact(&mut content).await?;
            match head[0] {
                0x17 if length > 0 => return Ok(content),
                // The client's ChangeCipherSpec.
                0x14 | 0x17 => {}
                _ => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if !self.tls {
            return self.stream.write_all(bytes).await;
        }
        for piece in bytes.chunks(MAX_RECORD_BYTES) {
            self.stream
                .write_all(&fake_tls::record(0x17, piece))
                .await?;
        }
        Ok(())
    }
}
