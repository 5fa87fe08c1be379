//! Reads what a screen needs and hands it to the module that makes its text and buttons.

use super::{Ctx, Face, ROWS_PER_PAGE, Renderer};
use super::{
    about, alert, care, change, flow, free, home, letters, new_server, nodes, person, plans, promotion, servers,
    service, status, system, thing,
};
use crate::telegram::data::DataResult;
use usipipo_actors::domain::ids::{AlertId, NodeId, OfferId, ServiceId, UserId};
use usipipo_actors::domain::plan::{PlanKind, PlanSpec};
use usipipo_actors::domain::screen::Screen;
use usipipo_actors::domain::service::{Product, Purpose, ServiceCard, ServiceStatus};
use usipipo_actors::model::{NodeOverview, OfferRow};

/// Services of one person that a summary looks at; nobody can have more that are alive.
const SUMMARY_ROWS: u16 = 50;
/// Days of traffic on a card, today included.
const HISTORY_DAYS: u16 = 14;
/// What the list of VPNs holds; proxies have their own.
const VPNS: [Product; 2] = [Product::Wireguard, Product::Outline];

impl Renderer {
    pub(super) async fn alert_face(&self, ctx: Ctx<'_>, alert: AlertId, resolved: bool) -> DataResult<Face> {
        let row = self.data.alert(alert).await?;
        let node = match row.as_ref().and_then(|row| alert::node_of(&row.kind)) {
            Some(name) => self.data.node_overviews().await?.into_iter().find(|node| node.name == name),
            None => None,
        };
        Ok(alert::message(ctx, row.as_ref(), node.as_ref(), resolved))
    }

    pub(super) async fn face(&self, ctx: Ctx<'_>, screen: &Screen) -> DataResult<(Screen, Face)> {
        let id = ctx.reader.id;
        let face = match screen {
            Screen::Home { new } => {
                let services = self.data.services_of(id, &Product::ALL, 0, ROWS_PER_PAGE).await?;
                home::home(ctx, *new, &services, &self.free(id, &Product::ALL).await?)
            }
            Screen::Vpn { page } => {
                let services = self.data.services_of(id, &VPNS, *page, ROWS_PER_PAGE).await?;
                service::vpns(ctx, &services, &self.free(id, &VPNS).await?)
            }
            Screen::Proxy { page } => {
                let services = self.data.services_of(id, &[Product::Mtproto], *page, ROWS_PER_PAGE).await?;
                service::proxies(ctx, &services, &self.free(id, &[Product::Mtproto]).await?)
            }
            Screen::TrialChoice { products } => free::choice(ctx, products, &self.free(id, products).await?),
            Screen::TrialOffer { offer, product } => return self.trial_offer(ctx, screen, *offer, *product).await,
            Screen::TrialRefused { reason, product } => {
                free::refused(ctx, *reason, *product, &self.free(id, &Product::ALL).await?)
            }
            Screen::Servers { offer, page } => match self.data.offer(id, *offer).await? {
                Some(row) => {
                    let servers = self.data.server_choices(row.product, self.purpose(&row).await?).await?;
                    servers::to_choose(ctx, *offer, row.product, &servers, *page)
                }
                None => return Ok((Screen::OfferGone, about::small(ctx, &Screen::OfferGone))),
            },
            Screen::Profile => {
                let services = self.data.services_of(id, &Product::ALL, 0, SUMMARY_ROWS).await?;
                person::profile(ctx, &services.rows)
            }
            Screen::Status => {
                let services = self.data.services_of(id, &Product::ALL, 0, SUMMARY_ROWS).await?;
                status::status(ctx, &services.rows, &self.data.node_overviews().await?)
            }
            Screen::System => system::system(ctx, &self.data.system_stats(ctx.here.now).await?),
            Screen::Nodes => nodes::list(ctx, &self.data.node_overviews().await?),
            Screen::Node { node } => {
                let promotion = self.data.promotion(*node).await?;
                nodes::node(ctx, self.node(*node).await?.as_ref(), promotion.as_ref())
            }
            Screen::Promotion { node, step, error } => {
                promotion::wizard(ctx, *node, self.data.promotion(*node).await?.as_ref(), *step, *error)
            }
            Screen::Promoted { node } => promotion::promoted(ctx, *node, self.data.promotion(*node).await?.as_ref()),
            Screen::AskUnpromote { node } => {
                promotion::ask_unpromote(ctx, *node, self.data.promotion(*node).await?.as_ref())
            }
            Screen::UserService { user, service } => {
                care::one(ctx, *user, self.data.card(*user, *service).await?.as_ref())
            }
            Screen::AskService { user, service, change } => {
                care::ask(ctx, *user, self.data.card(*user, *service).await?.as_ref(), *change)
            }
            Screen::AskNode { node, change } => nodes::ask(ctx, self.node(*node).await?.as_ref(), *change),
            Screen::AddServer => new_server::kinds(ctx),
            Screen::AskServer { product, question, error } => new_server::ask(ctx, *product, *question, error.as_ref()),
            Screen::ServerAdded { node } => new_server::added(ctx, self.node(*node).await?.as_ref()),
            Screen::NodeKeysLeft { node, keys } => nodes::keys_left(ctx, self.node(*node).await?.as_ref(), *keys),
            Screen::NodeInUse { node, services } => nodes::in_use(ctx, self.node(*node).await?.as_ref(), *services),
            Screen::Plans => plans::list(ctx, &self.data.plans().await?),
            Screen::GrantUsage => plans::usage(ctx, &self.data.plans().await?),
            Screen::GrantUnknown { user, plan } => {
                plans::unknown(ctx, *user, plan, self.data.viewer(*user).await?.as_ref())
            }
            Screen::AskGrant { user, plan, offer } => {
                let (viewer, plans) = (self.data.viewer(*user).await?, self.data.plans().await?);
                let spec = plans.iter().map(|known| &known.spec).find(|spec| spec.code == *plan);
                plans::ask(ctx, *user, viewer.as_ref(), plan, spec, *offer)
            }
            Screen::Granted { user, service } => {
                let (viewer, card) = (self.data.viewer(*user).await?, self.data.card(*user, *service).await?);
                plans::granted(ctx, *user, viewer.as_ref(), card.as_ref())
            }
            Screen::Pools => system::pools(ctx, &self.data.pool_overviews(ctx.here.now).await?),
            Screen::DeadLetters { page } => letters::list(ctx, &self.data.dead_letters(*page, ROWS_PER_PAGE).await?),
            Screen::DeadLetter { id } => letters::letter(ctx, self.data.dead_letter(*id).await?.as_ref()),
            Screen::AlertSettled { alert } => self.alert_face(ctx, *alert, true).await?,
            Screen::UserCard { user } => {
                let viewer = self.data.viewer(*user).await?;
                let services = self.data.services_of(*user, &Product::ALL, 0, ROWS_PER_PAGE).await?;
                let person = (*user, self.staff.role_of(*user));
                letters::user_card(ctx, person, viewer.as_ref(), &services.rows)
            }
            _ => match screen.service() {
                Some(service) => return self.of_service(ctx, screen, service).await,
                None => plain(ctx, screen),
            },
        };
        Ok((screen.clone(), face))
    }

    /// What the user could have for free now of these products, with the plan of each.
    async fn free(&self, user: UserId, products: &[Product]) -> DataResult<Vec<PlanSpec>> {
        let mut choices = self.data.free_choices(user).await?;
        choices.retain(|(product, _)| products.contains(product));
        if choices.is_empty() {
            return Ok(Vec::new());
        }
        let plans = self.data.plans().await?;
        let of = |(product, kind): &(Product, PlanKind)| {
            plans
                .iter()
                .find(|plan| plan.spec.product == *product && plan.spec.kind == *kind)
                .map(|plan| plan.spec.clone())
        };
        Ok(choices.iter().filter_map(of).collect())
    }

    async fn trial_offer(
        &self,
        ctx: Ctx<'_>,
        screen: &Screen,
        offer: OfferId,
        product: Product,
    ) -> DataResult<(Screen, Face)> {
        let row = self.data.offer(ctx.reader.id, offer).await?;
        let plan = match row.as_ref().and_then(|row| row.plan) {
            Some(plan) => self.data.plan(plan).await?.map(|plan| plan.spec),
            None => self.free(ctx.reader.id, &[product]).await?.pop(),
        };
        let (Some(_), Some(plan)) = (row, plan) else {
            return Ok((Screen::OfferGone, about::small(ctx, &Screen::OfferGone)));
        };
        let servers = self.data.server_choices(product, plan.kind.purpose()).await?;
        let choice = servers.iter().filter(|server| servers::takes(server)).count() > 1;
        Ok((screen.clone(), free::offer(ctx, offer, &plan, choice)))
    }

    /// Which servers an offer may be taken on: those for trials, or the others.
    async fn purpose(&self, offer: &OfferRow) -> DataResult<Purpose> {
        let plan = match offer.plan {
            Some(plan) => self.data.plan(plan).await?,
            None => None,
        };
        let by_kind = || if offer.kind == PlanKind::Trial.as_str() { Purpose::Trial } else { Purpose::Paid };
        Ok(plan.map_or_else(by_kind, |plan| plan.spec.kind.purpose()))
    }

    async fn node(&self, node: NodeId) -> DataResult<Option<NodeOverview>> {
        Ok(self.data.node_overviews().await?.into_iter().find(|known| known.id == node))
    }

    /// Screens about one service.
    async fn of_service(&self, ctx: Ctx<'_>, screen: &Screen, service: ServiceId) -> DataResult<(Screen, Face)> {
        let id = ctx.reader.id;
        let Some(card) = self.data.card(id, service).await? else {
            return Ok(match screen {
                // What it says stays true when the row is gone already.
                Screen::Revoked { .. } => (screen.clone(), change::revoked(ctx, None)),
                _ => (Screen::NoSuchService, about::no_such_service(ctx)),
            });
        };
        let card = &card;
        let face = match screen {
            Screen::Preparing { .. } => flow::preparing(ctx, card),
            Screen::Waiting { .. } => flow::waiting(ctx, card),
            Screen::Ready { service } => match flow::ready(ctx, *service, card) {
                Some(ready) => return Ok(ready),
                None => return Ok((Screen::Card { service: *service }, self.card(ctx, card).await?)),
            },
            Screen::Failed { .. } => flow::failed(ctx, card),
            Screen::HowTo { os, .. } => match flow::how_to(ctx, card, *os) {
                Some(face) => face,
                None => self.card(ctx, card).await?,
            },
            Screen::AskName { error, .. } => change::ask_name(ctx, card, *error),
            Screen::AskRotate { offer, .. } => change::ask_rotate(ctx, card, *offer),
            Screen::AskRenew { offer, .. } => change::ask_renew(ctx, card, *offer),
            Screen::KeyOnItsWay { .. } => change::key_on_its_way(ctx, card),
            Screen::Renewed { .. } => change::renewed(ctx, card),
            Screen::AskMove { offer, page, .. } => {
                let servers = self.data.server_choices(card.product, purpose_of(card)).await?;
                servers::to_move(ctx, *offer, card, &servers, *page)
            }
            Screen::AskRevoke { offer, .. } => change::ask_revoke(ctx, card, *offer),
            Screen::Revoked { .. } => change::revoked(ctx, Some(card)),
            _ => self.card(ctx, card).await?,
        };
        Ok((screen.clone(), face))
    }

    async fn card(&self, ctx: Ctx<'_>, card: &ServiceCard) -> DataResult<Face> {
        let days = match card.status {
            ServiceStatus::Active | ServiceStatus::Suspended => {
                self.data.usage_history(card.id, HISTORY_DAYS, ctx.here.now).await?
            }
            _ => Vec::new(),
        };
        // The connect button of a proxy holds its secret, which is read now and kept nowhere.
        let connect = match (card.product, card.status) {
            (Product::Mtproto, ServiceStatus::Active) => {
                let config = self.data.client_config(ctx.reader.id, card.id).await?;
                config.as_ref().and_then(thing::connect)
            }
            _ => None,
        };
        Ok(service::card(ctx, card, &days, connect))
    }
}

/// Which servers a service may move to.
const fn purpose_of(card: &ServiceCard) -> Purpose {
    if card.trial { Purpose::Trial } else { Purpose::Paid }
}

/// Screens that need no rows besides the reader's.
fn plain(ctx: Ctx<'_>, screen: &Screen) -> Face {
    match screen {
        Screen::AskOwnKey { offer: _, error } => change::ask_own_key(ctx, *error),
        Screen::KeyTaken { offer: _, service } => change::key_taken(ctx, *service),
        Screen::Help => about::help(ctx),
        Screen::Settings => person::settings(ctx),
        Screen::Languages => person::languages(ctx),
        Screen::TimeZones { page } => person::zones(ctx, *page),
        Screen::Privacy => about::privacy(ctx),
        Screen::Terms => about::terms(ctx),
        Screen::UserUsage => letters::user_usage(ctx),
        Screen::DeadLetterReplayed { id } => letters::replayed(ctx, *id),
        Screen::Apology { code } => about::apology(ctx, code),
        other => about::small(ctx, other),
    }
}
