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

mod admin;

/// Every message.
#[cfg(test)]
pub(super) fn messages() -> impl Iterator<Item = &'static (&'static str, &'static [&'static str])> {
    MESSAGES.iter().chain(admin::MESSAGES)
}

/// Every label.
#[cfg(test)]
pub(super) fn labels() -> impl Iterator<Item = &'static (&'static str, &'static [&'static str])> {
    LABELS.iter().chain(admin::LABELS)
}

messages! {
    home_hello(name) = "home-hello";
    home_welcome() = "home-welcome";
    home_none() = "home-none";
    home_trial_hint(days) = "home-trial-hint";
    home_free_hint() = "home-free-hint";
    home_proxy_hint() = "home-proxy-hint";
    home_more(n) = "home-more";
    service_line(dot, name, product, place, state) = "service-line";
    vpn_title() = "vpn-title";
    vpn_hint() = "vpn-hint";
    vpn_empty() = "vpn-empty";
    proxy_title() = "proxy-title";
    proxy_about() = "proxy-about";
    proxy_hint() = "proxy-hint";
    proxy_empty() = "proxy-empty";
    proxy_none() = "proxy-none";
    card_title(dot, name) = "card-title";
    card_server(product, place, node) = "card-server";
    card_trial(product, place, node) = "card-trial";
    card_free(product, place, node) = "card-free";
    card_ends(date, left) = "card-ends";
    card_ended(date) = "card-ended";
    card_starts_later() = "card-starts-later";
    card_usage(usage, bar) = "card-usage";
    card_usage_unlimited(used) = "card-usage-unlimited";
    card_days(n, bars, today) = "card-days";
    card_devices(n) = "card-devices";
    card_handshake(ago) = "card-handshake";
    card_handshake_never() = "card-handshake-never";
    card_unused() = "card-unused";
    card_own_key() = "card-own-key";
    card_pending(kind) = "card-pending";
    card_node_down() = "card-node-down";
    card_config_only() = "card-config-only";
    card_over_expiry() = "card-over-expiry";
    card_over_quota() = "card-over-quota";
    card_over_hint(kind) = "card-over-hint";
    card_over_admin(kind) = "card-over-admin";
    card_renewable(kind, date) = "card-renewable";
    card_renewable_quota() = "card-renewable-quota";
    card_expired() = "card-expired";
    card_revoked(kind) = "card-revoked";
    card_failed(kind) = "card-failed";
    choice_title() = "choice-title";
    choice_wireguard(terms) = "choice-wireguard";
    choice_outline(terms) = "choice-outline";
    choice_mtproto(terms) = "choice-mtproto";
    offer_trial_title(n, product) = "offer-trial-title";
    offer_free_title(n, product) = "offer-free-title";
    offer_quota(quota) = "offer-quota";
    offer_unlimited() = "offer-unlimited";
    offer_counts_trial() = "offer-counts-trial";
    offer_counts_free() = "offer-counts-free";
    offer_about_wireguard() = "offer-about-wireguard";
    offer_about_outline() = "offer-about-outline";
    offer_about_mtproto() = "offer-about-mtproto";
    servers_title(kind) = "servers-title";
    servers_hint() = "servers-hint";
    servers_none() = "servers-none";
    trial_used(product, date) = "trial-used";
    trial_used_here() = "trial-used-here";
    trial_pool_full(product) = "trial-pool-full";
    trial_no_node(product) = "trial-no-node";
    trial_node_down(product) = "trial-node-down";
    trial_have_one(kind, product) = "trial-have-one";
    trial_too_many(n) = "trial-too-many";
    trial_others() = "trial-others";
    trial_others_too() = "trial-others-too";
    preparing(kind, product) = "preparing";
    preparing_hint() = "preparing-hint";
    waiting(place) = "waiting";
    waiting_new(kind, name) = "waiting-new";
    waiting_key(name) = "waiting-key";
    ready(kind, name, date, left) = "ready";
    ready_next(kind) = "ready-next";
    ready_config_only(name, date, left) = "ready-config-only";
    ready_own_key() = "ready-own-key";
    failed(kind, name) = "failed";
    reminder(name, date, left) = "reminder";
    reminder_renew() = "reminder-renew";
    reminder_trial() = "reminder-trial";
    reminder_other() = "reminder-other";
    quota_near(name) = "quota-near";
    quota_near_hint() = "quota-near-hint";
    quota_near_renew() = "quota-near-renew";
    ended(name, date) = "ended";
    ended_renewable(name, date) = "ended-renewable";
    ended_for_good(name, date) = "ended-for-good";
    ended_some() = "ended-some";
    over_quota(name, quota) = "over-quota";
    over_quota_some() = "over-quota-some";
    file_caption(name) = "file-caption";
    file_caption_own_key(name) = "file-caption-own-key";
    qr_caption(kind, name) = "qr-caption";
    link_outline(name) = "link-outline";
    link_mtproto(name) = "link-mtproto";
    link_mtproto_copy() = "link-mtproto-copy";
    link_mtproto_tls() = "link-mtproto-tls";
    link_mtproto_plain() = "link-mtproto-plain";
    link_private(kind) = "link-private";
    howto_ios(file) = "howto-ios";
    howto_android(file) = "howto-android";
    howto_pc(file) = "howto-pc";
    howto_outline_ios() = "howto-outline-ios";
    howto_outline_android() = "howto-outline-android";
    howto_outline_pc() = "howto-outline-pc";
    ask_name(name, max) = "ask-name";
    name_empty() = "name-empty";
    name_too_long() = "name-too-long";
    ask_own_key() = "ask-own-key";
    key_not_a_key() = "key-not-a-key";
    key_low_order() = "key-low-order";
    ask_rotate(name) = "ask-rotate";
    ask_rotate_hint(kind) = "ask-rotate-hint";
    key_on_its_way(name, place) = "key-on-its-way";
    key_taken() = "key-taken";
    ask_move(name, place) = "ask-move";
    ask_move_hint(kind) = "ask-move-hint";
    move_none(name, place) = "move-none";
    ask_renew(n, name) = "ask-renew";
    ask_renew_until(date) = "ask-renew-until";
    renewed(name, date, left) = "renewed";
    renewed_hint(kind) = "renewed-hint";
    ask_revoke(name) = "ask-revoke";
    ask_revoke_trial() = "ask-revoke-trial";
    ask_revoke_free(kind) = "ask-revoke-free";
    revoked(kind, name) = "revoked";
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
    status_servers() = "status-servers";
    status_up(n, product) = "status-up";
    status_some(product, up, all) = "status-some";
    status_down(product) = "status-down";
    status_maintenance(product) = "status-maintenance";
    settings_title() = "settings-title";
    settings_language(language) = "settings-language";
    settings_zone(zone, time) = "settings-zone";
    settings_reminders_on() = "settings-reminders-on";
    settings_reminders_off() = "settings-reminders-off";
    settings_quiet_on(from, to) = "settings-quiet-on";
    settings_quiet_off() = "settings-quiet-off";
    languages_title() = "languages-title";
    zones_title() = "zones-title";
    zones_hint(zone) = "zones-hint";
    help() = "help";
    help_admin() = "help-admin";
    help_grant() = "help-grant";
    privacy(days) = "privacy";
    terms() = "terms";
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
    t_product_outline() = "t-product-outline";
    t_product_mtproto() = "t-product-mtproto";
    t_place(place, country) = "t-place";
    t_state_pending() = "t-state-pending";
    t_state_node_down() = "t-state-node-down";
    t_state_time_over() = "t-state-time-over";
    t_state_renewable() = "t-state-renewable";
    t_state_quota_over() = "t-state-quota-over";
    t_state_quota(percent, quota) = "t-state-quota";
    t_state_paused() = "t-state-paused";
    t_state_revoked(kind) = "t-state-revoked";
    t_state_failed() = "t-state-failed";
    t_terms_unlimited() = "t-terms-unlimited";
    t_terms_devices(n) = "t-terms-devices";
    t_terms_free() = "t-terms-free";
    btn_vpn() = "btn-vpn";
    btn_proxy() = "btn-proxy";
    btn_trial(days) = "btn-trial";
    btn_free() = "btn-free";
    btn_free_proxy() = "btn-free-proxy";
    btn_profile() = "btn-profile";
    btn_status() = "btn-status";
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
    btn_my_proxies() = "btn-my-proxies";
    btn_file() = "btn-file";
    btn_link() = "btn-link";
    btn_connect() = "btn-connect";
    btn_connect_plain() = "btn-connect-plain";
    btn_qr() = "btn-qr";
    btn_rename() = "btn-rename";
    btn_rotate() = "btn-rotate";
    btn_move() = "btn-move";
    btn_renew() = "btn-renew";
    btn_revoke() = "btn-revoke";
    btn_ios() = "btn-ios";
    btn_android() = "btn-android";
    btn_pc() = "btn-pc";
    btn_try_wireguard() = "btn-try-wireguard";
    btn_try_outline() = "btn-try-outline";
    btn_try_mtproto() = "btn-try-mtproto";
    btn_trial_take() = "btn-trial-take";
    btn_free_take() = "btn-free-take";
    btn_own_key() = "btn-own-key";
    btn_choose_server() = "btn-choose-server";
    btn_best() = "btn-best";
    btn_server(place, load) = "btn-server";
    btn_card_of_trial() = "btn-card-of-trial";
    btn_card_of_free(kind) = "btn-card-of-free";
    btn_retry() = "btn-retry";
    btn_look() = "btn-look";
    btn_name_it() = "btn-name-it";
    btn_card(kind, name) = "btn-card";
    btn_rotate_now() = "btn-rotate-now";
    btn_renew_now() = "btn-renew-now";
    btn_revoke_now() = "btn-revoke-now";
    btn_keep(kind) = "btn-keep";
    btn_privacy() = "btn-privacy";
    btn_terms() = "btn-terms";
    btn_language() = "btn-language";
    btn_zone() = "btn-zone";
    btn_reminders_on() = "btn-reminders-on";
    btn_reminders_off() = "btn-reminders-off";
    btn_quiet_on() = "btn-quiet-on";
    btn_quiet_off() = "btn-quiet-off";
    btn_language_name() = "btn-language-name";
    btn_chosen(name) = "btn-chosen";
    btn_zone_name(city, time) = "btn-zone-name";
    toast_saved() = "toast-saved";
    toast_already_done() = "toast-already-done";
    toast_refuse_checkout() = "toast-refuse-checkout";
    cmd_start() = "cmd-start";
    cmd_vpn() = "cmd-vpn";
    cmd_proxy() = "cmd-proxy";
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
