//! The table of keys: name of the method, its arguments, the key in the Fluent files.

use super::{Arg, LabelArg, Words};
use crate::telegram::html::Html;

macro_rules! messages {
    ($($name:ident($($arg:ident),*) = $key:literal;)*) => {
        #[allow(clippy::extra_unused_lifetimes, reason = "messages without arguments")]
        impl Words {
            $(pub(crate) fn $name<'a>(self, $($arg: impl Into<Arg<'a>>),*) -> Html {
                self.message($key, [$((stringify!($arg), $arg.into())),*])
            })*
        }

        /// Keys and variables of the messages, for the test that compares them with the files.
        #[cfg(test)]
        pub(super) const MESSAGES: &[(&str, &[&str])] = &[$(($key, &[$(stringify!($arg)),*])),*];
    };
}

macro_rules! labels {
    ($($name:ident($($arg:ident),*) = $key:literal;)*) => {
        #[allow(clippy::extra_unused_lifetimes, reason = "messages without arguments")]
        impl Words {
            $(pub(crate) fn $name<'a>(self, $($arg: impl Into<LabelArg<'a>>),*) -> String {
                self.label($key, [$((stringify!($arg), $arg.into())),*])
            })*
        }

        /// Keys and variables of the labels, for the same test.
        #[cfg(test)]
        pub(super) const LABELS: &[(&str, &[&str])] = &[$(($key, &[$(stringify!($arg)),*])),*];
    };
}

messages! {
    home_hello(name) = "home-hello";
    home_welcome() = "home-welcome";
    home_none() = "home-none";
    home_trial_hint(days) = "home-trial-hint";
    home_more(n) = "home-more";
    service_line(dot, name, product, place, state) = "service-line";
    vpn_title() = "vpn-title";
    vpn_hint() = "vpn-hint";
    vpn_empty() = "vpn-empty";
    card_title(dot, name) = "card-title";
    card_server(product, place, node) = "card-server";
    card_trial(product, place, node) = "card-trial";
    card_ends(date, left) = "card-ends";
    card_ended(date) = "card-ended";
    card_starts_later() = "card-starts-later";
    card_usage(usage, bar) = "card-usage";
    card_usage_unlimited(used) = "card-usage-unlimited";
    card_handshake(ago) = "card-handshake";
    card_handshake_never() = "card-handshake-never";
    card_own_key() = "card-own-key";
    card_pending() = "card-pending";
    card_node_down() = "card-node-down";
    card_config_only() = "card-config-only";
    card_over_expiry() = "card-over-expiry";
    card_over_quota() = "card-over-quota";
    card_over_hint() = "card-over-hint";
    card_over_admin() = "card-over-admin";
    card_expired() = "card-expired";
    card_revoked() = "card-revoked";
    card_failed() = "card-failed";
    trial_offer(days, quota) = "trial-offer";
    trial_used(date) = "trial-used";
    trial_used_here() = "trial-used-here";
    trial_pool_full() = "trial-pool-full";
    trial_no_node() = "trial-no-node";
    preparing(product) = "preparing";
    waiting(place, name) = "waiting";
    waiting_key(place, name) = "waiting-key";
    ready(name, date, left) = "ready";
    ready_config_only(name, date, left) = "ready-config-only";
    ready_own_key() = "ready-own-key";
    failed(name) = "failed";
    ended(name, date) = "ended";
    ended_some() = "ended-some";
    over_quota(name, quota) = "over-quota";
    over_quota_some() = "over-quota-some";
    file_caption(name) = "file-caption";
    file_caption_own_key(name) = "file-caption-own-key";
    qr_caption(name) = "qr-caption";
    howto_ios(file) = "howto-ios";
    howto_android(file) = "howto-android";
    howto_pc(file) = "howto-pc";
    ask_name(name, max) = "ask-name";
    name_empty() = "name-empty";
    name_too_long() = "name-too-long";
    ask_own_key() = "ask-own-key";
    key_not_a_key() = "key-not-a-key";
    key_low_order() = "key-low-order";
    ask_rotate(name) = "ask-rotate";
    key_taken() = "key-taken";
    ask_revoke(name) = "ask-revoke";
    ask_revoke_trial() = "ask-revoke-trial";
    revoked(name) = "revoked";
    revoked_some() = "revoked-some";
    profile_title(name) = "profile-title";
    profile_username(username) = "profile-username";
    profile_id(id) = "profile-id";
    profile_since(date) = "profile-since";
    profile_seen(ago) = "profile-seen";
    profile_services(n) = "profile-services";
    profile_role(role) = "profile-role";
    profile_blocked() = "profile-blocked";
    status_good(n) = "status-good";
    status_bad() = "status-bad";
    status_none() = "status-none";
    settings_title() = "settings-title";
    settings_language(language) = "settings-language";
    settings_zone(zone, time) = "settings-zone";
    languages_title() = "languages-title";
    zones_title() = "zones-title";
    zones_hint(zone) = "zones-hint";
    help() = "help";
    help_admin() = "help-admin";
    privacy(days) = "privacy";
    terms(days, quota) = "terms";
    cancelled() = "cancelled";
    nothing_to_cancel() = "nothing-to-cancel";
    unknown_command() = "unknown-command";
    unexpected_text() = "unexpected-text";
    unexpected_kind() = "unexpected-kind";
    old_button() = "old-button";
    offer_gone() = "offer-gone";
    no_such_service() = "no-such-service";
    not_allowed() = "not-allowed";
    slow_down() = "slow-down";
    apology(code) = "apology";
    system_title() = "system-title";
    system_users(total, day) = "system-users";
    system_services(list) = "system-services";
    system_services_none() = "system-services-none";
    system_pending_oldest(span) = "system-pending-oldest";
    system_inbox(count) = "system-inbox";
    system_inbox_none() = "system-inbox-none";
    system_inbox_oldest(count, span) = "system-inbox-oldest";
    system_outbox(list) = "system-outbox";
    system_outbox_none() = "system-outbox-none";
    system_outbox_oldest(list, span) = "system-outbox-oldest";
    system_dead(n) = "system-dead";
    system_alerts_none() = "system-alerts-none";
    system_alerts() = "system-alerts";
    system_more(n) = "system-more";
    nodes_title() = "nodes-title";
    nodes_none() = "nodes-none";
    node_title(dot, name, place) = "node-title";
    node_mode(mode, endpoint) = "node-mode";
    node_counts(active, pending) = "node-counts";
    node_foreign(n) = "node-foreign";
    node_config_only() = "node-config-only";
    node_down(span) = "node-down";
    node_never_seen() = "node-never-seen";
    node_error(error) = "node-error";
    pools_title() = "pools-title";
    pools_none() = "pools-none";
    pool_title(dot, node, purpose) = "pool-title";
    pool_networks(networks) = "pool-networks";
    pool_counts(n, live, resting, free, total) = "pool-counts";
    pool_counts_endless(live, resting) = "pool-counts-endless";
    pool_forecast_days(n) = "pool-forecast-days";
    pool_forecast_none() = "pool-forecast-none";
    pool_forecast_far() = "pool-forecast-far";
    dead_title() = "dead-title";
    dead_none() = "dead-none";
    dead_hint(n) = "dead-hint";
    dead_letter_title(id, code) = "dead-letter-title";
    dead_letter_about(n, ago, lane) = "dead-letter-about";
    dead_letter_user(user) = "dead-letter-user";
    dead_letter_error(error) = "dead-letter-error";
    dead_letter_replayed(ago) = "dead-letter-replayed";
    dead_letter_gone() = "dead-letter-gone";
    replayed(id) = "replayed";
    user_unknown(id) = "user-unknown";
    user_usage() = "user-usage";
    user_language(language, zone) = "user-language";
    alert_since(span) = "alert-since";
    alert_times(n) = "alert-times";
    alert_gone() = "alert-gone";
    alert_lasted(span) = "alert-lasted";
    alert_node_down(node) = "alert-node-down";
    alert_foreign(n, node) = "alert-foreign";
    alert_pool(n, node, free, total, purpose) = "alert-pool";
    alert_actor(actor) = "alert-actor";
    alert_dead(n) = "alert-dead";
    alert_telegram() = "alert-telegram";
    alert_payment() = "alert-payment";
    alert_payment_line() = "alert-payment-line";
    alert_secret(node, service) = "alert-secret";
    alert_late(n) = "alert-late";
    over_node_down(node) = "over-node-down";
    over_foreign(node) = "over-foreign";
    over_pool(node, purpose) = "over-pool";
    over_actor(actor) = "over-actor";
    over_dead() = "over-dead";
    over_telegram() = "over-telegram";
    over_payment() = "over-payment";
    over_late() = "over-late";
    over_secret(node, service) = "over-secret";
}

labels! {
    t_left_days(n) = "t-left-days";
    t_left_hours(n) = "t-left-hours";
    t_left_minutes(n) = "t-left-minutes";
    t_left_moment() = "t-left-moment";
    t_ago_moment() = "t-ago-moment";
    t_ago_minutes(n) = "t-ago-minutes";
    t_ago_hours(n) = "t-ago-hours";
    t_ago_days(n) = "t-ago-days";
    t_span_seconds(n) = "t-span-seconds";
    t_span_minutes(n) = "t-span-minutes";
    t_span_hours(n) = "t-span-hours";
    t_span_days(n) = "t-span-days";
    t_date_time(day, month, time) = "t-date-time";
    t_date_day(day, month) = "t-date-day";
    t_date_year(day, month, year) = "t-date-year";
    t_month(n) = "t-month";
    t_usage(used, quota) = "t-usage";
    t_product_wireguard() = "t-product-wireguard";
    t_state_pending() = "t-state-pending";
    t_state_node_down() = "t-state-node-down";
    t_state_time_over() = "t-state-time-over";
    t_state_quota_over() = "t-state-quota-over";
    t_state_quota(percent, quota) = "t-state-quota";
    t_state_paused() = "t-state-paused";
    t_state_revoked() = "t-state-revoked";
    t_state_failed() = "t-state-failed";
    t_status_pending(count) = "t-status-pending";
    t_status_active(n, count) = "t-status-active";
    t_status_suspended(count) = "t-status-suspended";
    t_status_expired(n, count) = "t-status-expired";
    t_status_revoked(n, count) = "t-status-revoked";
    t_status_failed(n, count) = "t-status-failed";
    t_out_replies(n, count) = "t-out-replies";
    t_out_deliveries(n, count) = "t-out-deliveries";
    t_out_notices(n, count) = "t-out-notices";
    t_purpose_trial() = "t-purpose-trial";
    t_purpose_paid() = "t-purpose-paid";
    t_role_admin() = "t-role-admin";
    t_role_superadmin() = "t-role-superadmin";
    btn_vpn() = "btn-vpn";
    btn_trial(days) = "btn-trial";
    btn_settle() = "btn-settle";
    btn_profile() = "btn-profile";
    btn_settings() = "btn-settings";
    btn_help() = "btn-help";
    btn_system() = "btn-system";
    btn_home() = "btn-home";
    btn_back() = "btn-back";
    btn_cancel() = "btn-cancel";
    btn_refresh() = "btn-refresh";
    btn_previous() = "btn-previous";
    btn_next() = "btn-next";
    btn_page(page, pages) = "btn-page";
    btn_service(dot, name, state) = "btn-service";
    btn_my_vpn() = "btn-my-vpn";
    btn_file() = "btn-file";
    btn_qr() = "btn-qr";
    btn_rename() = "btn-rename";
    btn_rotate() = "btn-rotate";
    btn_revoke() = "btn-revoke";
    btn_ios() = "btn-ios";
    btn_android() = "btn-android";
    btn_pc() = "btn-pc";
    btn_trial_take() = "btn-trial-take";
    btn_own_key() = "btn-own-key";
    btn_card_of_trial() = "btn-card-of-trial";
    btn_retry() = "btn-retry";
    btn_look() = "btn-look";
    btn_name_it() = "btn-name-it";
    btn_card(name) = "btn-card";
    btn_rotate_now() = "btn-rotate-now";
    btn_revoke_now() = "btn-revoke-now";
    btn_keep() = "btn-keep";
    btn_privacy() = "btn-privacy";
    btn_terms() = "btn-terms";
    btn_language() = "btn-language";
    btn_zone() = "btn-zone";
    btn_language_name() = "btn-language-name";
    btn_chosen(name) = "btn-chosen";
    btn_zone_name(city, time) = "btn-zone-name";
    toast_saved() = "toast-saved";
    toast_already_done() = "toast-already-done";
    toast_refuse_checkout() = "toast-refuse-checkout";
    btn_nodes() = "btn-nodes";
    btn_pools() = "btn-pools";
    btn_dead_letters(n) = "btn-dead-letters";
    btn_dead_letter(id, code, ago) = "btn-dead-letter";
    btn_dead_letter_done(id, code, ago) = "btn-dead-letter-done";
    btn_replay() = "btn-replay";
    btn_user() = "btn-user";
    btn_dead_list() = "btn-dead-list";
    cmd_start() = "cmd-start";
    cmd_vpn() = "cmd-vpn";
    cmd_trial() = "cmd-trial";
    cmd_status() = "cmd-status";
    cmd_profile() = "cmd-profile";
    cmd_settings() = "cmd-settings";
    cmd_help() = "cmd-help";
    cmd_cancel() = "cmd-cancel";
    cmd_privacy() = "cmd-privacy";
    cmd_terms() = "cmd-terms";
    bot_description() = "bot-description";
    bot_short_description() = "bot-short-description";
}
