//! Tables as the migrations make them.
#![allow(missing_docs, reason = "columns are documented in migrations/")]

diesel::table! {
    leader_lease (id) {
        id -> SmallInt,
        holder -> Text,
        epoch -> BigInt,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    users (id) {
        id -> BigInt,
        first_name -> Text,
        last_name -> Nullable<Text>,
        username -> Nullable<Text>,
        language -> Text,
        tz -> Text,
        referral -> Nullable<Text>,
        created_at -> Timestamptz,
        last_seen_at -> Timestamptz,
        blocked_at -> Nullable<Timestamptz>,
        quiet_from -> Nullable<SmallInt>,
        quiet_to -> Nullable<SmallInt>,
        reminders -> Bool,
    }
}

diesel::table! {
    dialogues (user_id) {
        user_id -> BigInt,
        version -> SmallInt,
        state -> Jsonb,
        screen -> Nullable<Jsonb>,
        screen_message_id -> Nullable<Integer>,
        screen_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    inbox (seq) {
        seq -> BigInt,
        bot_id -> BigInt,
        update_id -> Nullable<BigInt>,
        user_id -> Nullable<BigInt>,
        lane -> Text,
        raw -> Bytea,
        received_at -> Timestamptz,
        attempts -> SmallInt,
        done_at -> Nullable<Timestamptz>,
        outcome -> Nullable<Text>,
    }
}

diesel::table! {
    dead_letters (id) {
        id -> BigInt,
        seq -> BigInt,
        bot_id -> BigInt,
        update_id -> Nullable<BigInt>,
        user_id -> Nullable<BigInt>,
        lane -> Text,
        raw -> Bytea,
        error -> Text,
        code -> Text,
        attempts -> SmallInt,
        created_at -> Timestamptz,
        replayed_at -> Nullable<Timestamptz>,
        replayed_by -> Nullable<BigInt>,
    }
}

diesel::table! {
    nodes (id) {
        id -> Integer,
        name -> Text,
        driver -> Text,
        mode -> Text,
        place -> Text,
        interface -> Nullable<Text>,
        listen_port -> Nullable<Integer>,
        endpoint -> Text,
        dns -> Array<Text>,
        mtu -> Integer,
        exclusive -> Bool,
        public_key -> Nullable<Bytea>,
        private_key -> Nullable<Bytea>,
        created_at -> Timestamptz,
        up -> Bool,
        config_only -> Bool,
        seen_at -> Nullable<Timestamptz>,
        down_since -> Nullable<Timestamptz>,
        error -> Nullable<Text>,
        foreign_peers -> Integer,
        country -> Text,
        state -> Text,
        capacity -> Nullable<Integer>,
        settings -> Jsonb,
        access -> Nullable<Bytea>,
        incarnation -> Nullable<Text>,
        ad_tag -> Nullable<Text>,
        promotion_secret -> Nullable<Bytea>,
        promotion_until -> Nullable<Timestamptz>,
        added -> Bool,
    }
}

diesel::table! {
    pools (id) {
        id -> Integer,
        node_id -> Integer,
        purpose -> Text,
        v4 -> Nullable<Cidr>,
        v6 -> Nullable<Cidr>,
    }
}

diesel::table! {
    services (id) {
        id -> BigInt,
        user_id -> BigInt,
        product -> Text,
        trial -> Bool,
        node_id -> Integer,
        name -> Text,
        status -> Text,
        reasons -> Array<Text>,
        days -> SmallInt,
        quota_bytes -> Nullable<BigInt>,
        used_up -> BigInt,
        used_down -> BigInt,
        last_handshake -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        activated_at -> Nullable<Timestamptz>,
        ends_at -> Nullable<Timestamptz>,
        ended_at -> Nullable<Timestamptz>,
        late_told_at -> Nullable<Timestamptz>,
        plan_id -> Nullable<Integer>,
        free -> Bool,
        granted -> Bool,
        devices -> Nullable<SmallInt>,
        period -> Integer,
        period_at -> Nullable<Timestamptz>,
        quota_base -> BigInt,
        reminded -> Nullable<Text>,
        remind_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    trials (user_id, product) {
        user_id -> BigInt,
        product -> Text,
        service_id -> BigInt,
        taken_at -> Timestamptz,
    }
}

diesel::table! {
    offers (id) {
        id -> BigInt,
        user_id -> BigInt,
        kind -> Text,
        service_id -> Nullable<BigInt>,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        taken_at -> Nullable<Timestamptz>,
        plan_id -> Nullable<Integer>,
        for_user -> Nullable<BigInt>,
    }
}

diesel::table! {
    leases (id) {
        id -> BigInt,
        node_id -> Integer,
        pool_id -> Integer,
        service_id -> BigInt,
        v4 -> Nullable<Inet>,
        v6 -> Nullable<Inet>,
        state -> Text,
        created_at -> Timestamptz,
        quarantine_until -> Nullable<Timestamptz>,
        released_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    peers (id) {
        id -> BigInt,
        service_id -> BigInt,
        node_id -> Integer,
        public_key -> Bytea,
        private_key -> Nullable<Bytea>,
        preshared_key -> Bytea,
        created_at -> Timestamptz,
        retired_at -> Nullable<Timestamptz>,
        removed_at -> Nullable<Timestamptz>,
        applied -> Bool,
        told_at -> Nullable<Timestamptz>,
        seen_rx -> BigInt,
        seen_tx -> BigInt,
        late_told_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    plans (id) {
        id -> Integer,
        code -> Text,
        version -> Integer,
        product -> Text,
        kind -> Text,
        days -> SmallInt,
        price_cents -> Integer,
        quota_bytes -> Nullable<BigInt>,
        devices -> Nullable<SmallInt>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    plans_withdrawn (code) {
        code -> Text,
        withdrawn_at -> Timestamptz,
    }
}

diesel::table! {
    access_keys (id) {
        id -> BigInt,
        service_id -> BigInt,
        node_id -> Integer,
        name -> Text,
        secret -> Bytea,
        created_at -> Timestamptz,
        retired_at -> Nullable<Timestamptz>,
        removed_at -> Nullable<Timestamptz>,
        applied -> Text,
        told_at -> Nullable<Timestamptz>,
        late_told_at -> Nullable<Timestamptz>,
        total -> BigInt,
        reading -> BigInt,
        read_at -> Nullable<Timestamptz>,
        estimate -> BigInt,
        base -> BigInt,
    }
}

diesel::table! {
    outbox (id) {
        id -> BigInt,
        chat_id -> BigInt,
        priority -> SmallInt,
        content -> Jsonb,
        created_at -> Timestamptz,
        due_at -> Timestamptz,
        attempts -> SmallInt,
        sent_at -> Nullable<Timestamptz>,
        failed_at -> Nullable<Timestamptz>,
        error -> Nullable<Text>,
        dedupe -> Nullable<Text>,
    }
}

diesel::table! {
    alerts (id) {
        id -> BigInt,
        key -> Text,
        content -> Jsonb,
        severity -> Text,
        opened_at -> Timestamptz,
        raised_at -> Timestamptz,
        times -> Integer,
        resolved_at -> Nullable<Timestamptz>,
        told -> Array<BigInt>,
    }
}

diesel::table! {
    audit (id) {
        id -> BigInt,
        at -> Timestamptz,
        user_id -> Nullable<BigInt>,
        action -> Text,
        subject -> Text,
        details -> Jsonb,
        inbox_seq -> Nullable<BigInt>,
    }
}

diesel::joinable!(dialogues -> users (user_id));
diesel::joinable!(pools -> nodes (node_id));
diesel::joinable!(services -> users (user_id));
diesel::joinable!(services -> nodes (node_id));
diesel::joinable!(trials -> services (service_id));
diesel::joinable!(leases -> services (service_id));
diesel::joinable!(leases -> pools (pool_id));
diesel::joinable!(peers -> services (service_id));
diesel::joinable!(offers -> services (service_id));
diesel::joinable!(offers -> plans (plan_id));
diesel::joinable!(access_keys -> services (service_id));
diesel::allow_tables_to_appear_in_same_query!(
    users,
    dialogues,
    inbox,
    dead_letters,
    nodes,
    pools,
    services,
    trials,
    offers,
    plans,
    plans_withdrawn,
    leases,
    peers,
    access_keys,
    outbox,
    alerts,
    audit,
);
