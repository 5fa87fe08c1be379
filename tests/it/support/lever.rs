//! Makes the database slow, stubborn or absent, from outside and for as long as a test wants.

use usipipo_actors::storage::testing::TestDatabase;

/// Triggers that do nothing until they are told to.
pub(crate) struct Levers<'a>(&'a TestDatabase);

impl<'a> Levers<'a> {
    pub(crate) async fn new(database: &'a TestDatabase) -> Self {
        database
            .execute(
                "CREATE TABLE levers (name text PRIMARY KEY);
                 CREATE FUNCTION lever_slow() RETURNS trigger LANGUAGE plpgsql AS $$
                 BEGIN
                     WHILE EXISTS (SELECT FROM levers WHERE name = 'slow ' || TG_TABLE_NAME) LOOP
                         PERFORM pg_sleep(0.02);
                     END LOOP;
                     RETURN NEW;
                 END $$;
                 CREATE FUNCTION lever_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
                 BEGIN
                     IF EXISTS (SELECT FROM levers WHERE name = 'refuse ' || NEW.user_id) THEN
                         RAISE EXCEPTION 'the test refuses it';
                     END IF;
                     RETURN NEW;
                 END $$;
                 CREATE TRIGGER lever_slow BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION lever_slow();
                 CREATE TRIGGER lever_slow BEFORE UPDATE ON inbox FOR EACH ROW
                     WHEN (NEW.outcome = 'handled') EXECUTE FUNCTION lever_slow();
                 CREATE TRIGGER lever_refuse BEFORE UPDATE ON inbox FOR EACH ROW
                     WHEN (NEW.outcome = 'handled') EXECUTE FUNCTION lever_refuse();",
            )
            .await;
        Self(database)
    }

    /// Changes of `users`, or handling what waits in `inbox`, takes its time until the lever is released or the statement takes too long.
    pub(crate) async fn slow(&self, table: &str) {
        self.0.execute(&format!("INSERT INTO levers VALUES ('slow {table}')")).await;
    }

    /// Nothing that this user asks for can be committed.
    pub(crate) async fn refuse(&self, user: i64) {
        self.0.execute(&format!("INSERT INTO levers VALUES ('refuse {user}')")).await;
    }

    /// All is well again.
    pub(crate) async fn release(&self) {
        self.0.execute("DELETE FROM levers").await;
    }
}

/// The database is away, as if its server had stopped; for this database only.
pub(crate) struct Outage {
    /// Of the same server: nobody can connect to the one that is away.
    other: TestDatabase,
    name: String,
}

impl Outage {
    pub(crate) async fn begin(database: &TestDatabase) -> Self {
        let other = TestDatabase::new().await;
        let path = database.url().split('?').next().unwrap();
        let name = path.rsplit('/').next().unwrap().to_owned();
        other.execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).await;
        let all = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
        other.execute(&all).await;
        Self { other, name }
    }

    pub(crate) async fn end(self) {
        self.other.execute(&format!("ALTER DATABASE {} ALLOW_CONNECTIONS true", self.name)).await;
    }
}
