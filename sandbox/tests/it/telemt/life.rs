//! Restarts, faults, and what is kept.

use super::*;

#[tokio::test]
async fn counters_begin_anew_with_the_instance_but_quotas_do_not() {
    let telemt = Telemt::start(json!({"ready_after_ms": 0, "users": {"u": SECRET}})).await;
    telemt
        .call(Method::PATCH, "/users/u", json!({"data_quota_bytes": 1000}))
        .await;
    let traffic =
        json!({"users": {"u": {"octets": 700, "connections": 2, "ips": ["198.51.100.7"]}}});
    telemt.sim.post(&telemt.control("/traffic"), traffic).await;
    let user = telemt.get("/users/u").await;
    assert_eq!(
        (
            &user["total_octets"],
            &user["current_connections"],
            &user["active_unique_ips"]
        ),
        (&json!(700), &json!(2), &json!(1))
    );
    assert_eq!(
        telemt.get("/stats/users/active-ips").await,
        json!([{"username": "u", "active_ips": ["198.51.100.7"]}])
    );
    telemt
        .sim
        .post("/sim/clock", json!({"advance_seconds": 100}))
        .await;
    assert!(
        telemt.get("/stats/summary").await["uptime_seconds"]
            .as_i64()
            .unwrap()
            >= 100
    );
    telemt
        .sim
        .post(&telemt.control("/restart"), json!({}))
        .await;
    let user = telemt.get("/users/u").await;
    assert_eq!(
        (&user["total_octets"], &user["current_connections"]),
        (&json!(0), &json!(0))
    );
    assert!(
        telemt.get("/stats/summary").await["uptime_seconds"]
            .as_i64()
            .unwrap()
            < 50
    );

    let works = async || telemt.sim.get(&telemt.control("/users")).await["users"][0].take();
    assert_eq!(
        (&works().await["works"], &works().await["quota_used"]),
        (&json!(true), &json!(700))
    );
    telemt
        .sim
        .post(
            &telemt.control("/traffic"),
            json!({"users": {"u": {"octets": 300}}}),
        )
        .await;
    assert_eq!(works().await["works"], false, "over its quota");
    let (status, body) = telemt.post("/users/u/reset-quota", Value::Null).await;
    assert_eq!((status, &body["data"]["used_bytes"]), (200, &json!(0)));
    assert_eq!(works().await["works"], true);
    assert_eq!(
        telemt.get("/users/u").await["total_octets"],
        300,
        "another counter"
    );
}

#[tokio::test]
async fn faults_are_shown_and_end() {
    let telemt = Telemt::start(json!({"ready_after_ms": 0})).await;
    telemt.faults(json!({"mode": "refuse"})).await;
    assert!(
        telemt
            .request(Method::GET, "/health")
            .send()
            .await
            .unwrap_err()
            .is_connect()
    );
    telemt.faults(json!({"mode": "hang"})).await;
    let short = Duration::from_millis(300);
    assert!(
        telemt
            .request(Method::GET, "/health")
            .timeout(short)
            .send()
            .await
            .unwrap_err()
            .is_timeout()
    );
    telemt
        .faults(json!({"mode": "up", "lose_answers": 1}))
        .await;
    let new = telemt
        .request(Method::POST, "/users")
        .json(&json!({"username": "a"}));
    assert!(new.timeout(short).send().await.unwrap_err().is_timeout());
    assert_eq!(
        telemt.get("/users/a").await["in_runtime"],
        true,
        "it took effect"
    );
    telemt
        .sim
        .post(&telemt.control("/users"), json!({"username": "by-hand"}))
        .await;
    assert_eq!(telemt.get("/users").await.as_array().unwrap().len(), 3);
    telemt.sim.post(&telemt.control("/forget"), json!({})).await;
    assert_eq!(telemt.get("/users").await.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn instances_come_back_with_their_users_and_without_their_counters() {
    let path = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("sandbox-telemt-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    let settings = Settings {
        state_dir: Some(path.clone()),
        ..Settings::for_tests()
    };
    let telemt = Telemt::within(
        Sim::with(settings.clone()).await,
        json!({"proxy": true, "users": {"u": SECRET}}),
    )
    .await;
    telemt
        .sim
        .post(
            &telemt.control("/traffic"),
            json!({"users": {"u": {"octets": 9}}}),
        )
        .await;
    let before = telemt.sim.get(&telemt.control("")).await;
    let Telemt {
        sim,
        name,
        url,
        proxy,
    } = telemt;
    sim.sandbox.stop().await.unwrap();
    let telemt = Telemt {
        sim: Sim::with(settings).await,
        name,
        url,
        proxy,
    };
    assert_eq!(telemt.sim.get(&telemt.control("")).await, before);
    let user = telemt.get("/users/u").await;
    assert_eq!(
        (&user["total_octets"], &user["in_runtime"]),
        (&json!(0), &json!(true))
    );
    assert_eq!(
        telemt.sim.get(&telemt.control("/users")).await["users"][0]["quota_used"],
        9
    );
    telemt.connect().await;
}
