//! When keys work, what flowed through them, and what stops them.

use super::*;

#[tokio::test]
async fn a_fresh_key_works_only_after_a_while() {
    let outline = Outline::start(json!({"ready_after_ms": 60_000})).await;
    assert_eq!(outline.put("/access-keys/1", json!({})).await.0, 201);
    assert!(!outline.works("1").await, "at once");
    outline.faults(json!({"ready_after_ms": 50})).await;
    assert_eq!(outline.put("/access-keys/2", json!({})).await.0, 201);
    // The rewritten file holds both.
    outline
        .sim
        .until("both work", async || {
            outline.works("1").await && outline.works("2").await
        })
        .await;
}

#[tokio::test]
async fn metrics_are_a_window_of_thirty_days_without_the_zeros() {
    let outline = Outline::start(json!({"ready_after_ms": 0})).await;
    for id in ["1", "2", "tg-3"] {
        assert_eq!(
            outline
                .put(&format!("/access-keys/{id}"), json!({}))
                .await
                .0,
            201
        );
    }
    assert_eq!(outline.transferred().await, json!({}));
    outline.flows("1", 1000).await;
    outline.days_pass(20).await;
    outline.flows("1", 70).await;
    outline.flows("tg-3", 5).await;
    assert_eq!(outline.transferred().await, json!({"1": 1070, "tg-3": 5}));
    let metrics = outline.get("/experimental/server/metrics?since=24h").await;
    assert_eq!(metrics["server"]["dataTransferred"]["bytes"], 75);
    let keys = metrics["accessKeys"].as_array().unwrap();
    assert_eq!(
        keys.iter()
            .map(|key| (&key["accessKeyId"], &key["dataTransferred"]["bytes"]))
            .collect::<Vec<_>>(),
        [(&json!(1), &json!(70)), (&Value::Null, &json!(5))],
        "ids are integers there"
    );
    for query in ["", "?since=24", "?since=h", "?since=5m"] {
        let path = format!("/experimental/server/metrics{query}");
        assert_eq!(
            outline.call(Method::GET, &path, Value::Null).await.0,
            StatusCode::BAD_REQUEST,
            "{query}"
        );
    }
    outline.days_pass(11).await;
    assert_eq!(
        outline.transferred().await,
        json!({"1": 70, "tg-3": 5}),
        "the figure falls"
    );
    // Those of a key that is gone stay in the window.
    outline.delete("/access-keys/1").await;
    assert_eq!(outline.transferred().await, json!({"1": 70, "tg-3": 5}));
    outline.days_pass(20).await;
    assert_eq!(outline.transferred().await, json!({}));
}

#[tokio::test]
async fn limits_are_compared_with_the_window_hourly_and_when_they_change() {
    let outline = Outline::start(json!({"ready_after_ms": 0})).await;
    assert_eq!(
        outline
            .put("/access-keys/1", json!({"limit": {"bytes": 100}}))
            .await
            .0,
        201
    );
    outline.flows("1", 150).await;
    assert!(outline.works("1").await, "before the hour is over");
    outline
        .sim
        .post("/sim/clock", json!({"advance_seconds": 3600}))
        .await;
    assert!(!outline.works("1").await, "after the hour");
    let (status, body) = outline
        .sim
        .try_post(&outline.control("/traffic"), json!({"bytes": {"1": 1}}))
        .await;
    assert_eq!(status, StatusCode::CONFLICT, "{body}");
    assert_eq!(
        outline
            .put(
                "/access-keys/1/data-limit",
                json!({"limit": {"bytes": 200}})
            )
            .await
            .0,
        204
    );
    assert!(outline.works("1").await, "at once, since the limit changed");
    assert_eq!(
        outline
            .put("/access-keys/1/data-limit", json!({"limit": {"bytes": 0}}))
            .await
            .0,
        204
    );
    assert!(!outline.works("1").await, "suspended");
    outline.days_pass(31).await;
    assert!(
        outline.works("1").await,
        "it comes back as the window slides"
    );
    // Nothing has flowed in the window, and nothing is not more than nothing.
    assert_eq!(
        outline
            .put("/access-keys/1/data-limit", json!({"limit": {"bytes": 0}}))
            .await
            .0,
        204
    );
    assert!(
        outline.works("1").await,
        "a limit of zero does not stop an unused key"
    );
    outline.flows("1", 1).await;
    assert_eq!(
        outline
            .put("/access-keys/1/data-limit", json!({"limit": {"bytes": 0}}))
            .await
            .0,
        204
    );
    assert!(!outline.works("1").await);
    assert_eq!(outline.delete("/access-keys/1/data-limit").await, 204);
    assert!(outline.works("1").await);

    let all = "/server/access-key-data-limit";
    assert_eq!(
        outline.put(all, json!({"limit": {"bytes": 0}})).await.0,
        204
    );
    assert!(!outline.works("1").await);
    assert_eq!(
        outline.get("/server").await["accessKeyDataLimit"],
        json!({"bytes": 0})
    );
    assert_eq!(outline.delete(all).await, 204);
    assert!(outline.works("1").await);
    assert_eq!(outline.put(all, json!({"limit": {}})).await.0, 400);
    assert_eq!(outline.put(all, json!({})).await.0, 400);
    assert_eq!(
        outline
            .put("/access-keys/7/data-limit", json!({"limit": {"bytes": 0}}))
            .await
            .0,
        404
    );
}
