//! Stars.

use serde_json::Value;
use serde_json::json;

use crate::support::Sim;

fn invoice() -> Value {
    json!({"chat_id": 1001, "title": "Month", "description": "One month", "payload": "order:7", "currency": "XTR",
        "prices": [{"label": "Month", "amount": 50}]})
}

#[tokio::test]
async fn an_invoice_is_paid_and_refunded_once() {
    let sim = Sim::with_ana().await;
    let sent = sim.ok("sendInvoice", invoice()).await;
    assert_eq!(sent["invoice"]["total_amount"], 50);
    assert!(
        sent["invoice"]["payload"].is_null(),
        "the payload is not shown"
    );
    sim.post(
        "/sim/people/1001/press",
        json!({"message_id": 2, "row": 0, "col": 0}),
    )
    .await;
    let query = sim.updates().await.pop().unwrap()["pre_checkout_query"].take();
    assert_eq!(
        (&query["invoice_payload"], &query["total_amount"]),
        (&json!("order:7"), &json!(50))
    );
    sim.ok(
        "answerPreCheckoutQuery",
        json!({"pre_checkout_query_id": query["id"], "ok": true}),
    )
    .await;
    let paid = sim.updates().await.pop().unwrap()["message"]["successful_payment"].take();
    let charge =
        json!({"user_id": 1001, "telegram_payment_charge_id": paid["telegram_payment_charge_id"]});
    sim.ok("refundStarPayment", charge.clone()).await;
    assert_eq!(
        sim.refused("refundStarPayment", charge).await,
        "Bad Request: CHARGE_ALREADY_REFUNDED"
    );
    let list = sim.ok("getStarTransactions", json!({})).await;
    assert_eq!(list["transactions"].as_array().unwrap().len(), 2);
    assert_eq!(
        list["transactions"][0]["source"]["invoice_payload"],
        "order:7"
    );
    assert!(list["transactions"][1]["receiver"].is_object());
}

#[tokio::test]
async fn a_refusal_is_told_and_nothing_is_paid() {
    let sim = Sim::with_ana().await;
    sim.ok("sendInvoice", invoice()).await;
    let asked = sim
        .post("/sim/people/1001/pay", json!({"message_id": 2}))
        .await;
    let id = &asked["pre_checkout_query_id"];
    let refused = sim
        .refused(
            "answerPreCheckoutQuery",
            json!({"pre_checkout_query_id": id, "ok": false}),
        )
        .await;
    assert_eq!(refused, "Bad Request: error message is empty");
    sim.ok(
        "answerPreCheckoutQuery",
        json!({"pre_checkout_query_id": id, "ok": false, "error_message": "sold out"}),
    )
    .await;
    assert_eq!(
        sim.get("/sim/people/1001/chat").await["toasts"][0]["text"],
        "sold out"
    );
    assert_eq!(
        sim.ok("getStarTransactions", json!({})).await["transactions"],
        json!([])
    );
}

#[tokio::test]
async fn invoices_have_rules() {
    let sim = Sim::with_ana().await;
    let changes = [
        json!({"currency": "USD"}),
        json!({"title": ""}),
        json!({"payload": "x".repeat(129)}),
        json!({"prices": []}),
        json!({"prices": [{"label": "a", "amount": 0}]}),
        json!({"need_email": true}),
        json!({"provider_token": "x"}),
    ];
    for change in changes {
        let mut parameters = invoice();
        parameters
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        sim.refused("sendInvoice", parameters).await;
    }
}
