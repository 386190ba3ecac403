//! The part of the table of routes with the pages for people.

use super::row::{Area, Part, Row, get, group, post};
use super::users;
use crate::web;
use crate::web::{active, declare, files, incident, preferences, status};

/// Returns the pages with which people work on incidents and credits.
pub(super) fn web_rows() -> [Row; 37] {
    group(
        "web",
        Area::Web,
        [
            get("/", active::show),
            get("/incidents", web::incidents::show),
            get("/incidents/new", declare::show),
            post("/incidents/new", declare::declare),
            get("/incidents/classify", web::classify::show),
            post("/incidents/classify", web::classify::propose),
            post(
                "/incidents/suggestions/{id}/dismiss",
                active::dismiss::dismiss,
            ),
            get("/incidents/{id}", incident::show::show),
            post("/incidents/{id}/acknowledge", incident::acknowledge::post),
            post("/incidents/{id}/updates", incident::update::post),
            get("/sla", web::sla::show).part(Part::Sla),
            get("/sla/{tenant}", web::sla::tenant::show).part(Part::Sla),
            post("/sla/credits/review", web::sla::review::show).part(Part::Sla),
            post("/sla/credits/decide", web::sla::decide::decide).part(Part::Sla),
            post("/sla/credits/recompute", web::sla::recompute::recompute).part(Part::Sla),
            get("/incidents/{id}/edit", incident::edit::show),
            post("/incidents/{id}/edit", incident::edit::save),
            get("/incidents/{id}/page", incident::page_again::show),
            post("/incidents/{id}/page", incident::page_again::post),
            get("/incidents/{id}/publish", incident::publish::show).part(Part::StatusPage),
            post("/incidents/{id}/publish", incident::publish::post).part(Part::StatusPage),
            get("/incidents/{id}/post-mortem", incident::post_mortem::show),
            post("/incidents/{id}/post-mortem", incident::post_mortem::post),
            get(
                "/incidents/{id}/affected-users/notified",
                incident::notified::show_users,
            ),
            post(
                "/incidents/{id}/affected-users/notified",
                incident::notified::post_users,
            ),
            get("/incidents/{id}/affected-users/export", users::export),
            get(
                "/incidents/{id}/authority/notified",
                incident::notified::show_authority,
            ),
            post(
                "/incidents/{id}/authority/notified",
                incident::notified::post_authority,
            ),
            get("/incidents/{id}/roles", incident::roles::show),
            post("/incidents/{id}/roles", incident::roles::post),
            post("/incidents/{id}/checklists", incident::checklists::post),
            get("/incidents/{id}/approvals", incident::approvals::show),
            post("/incidents/{id}/approvals", incident::approvals::post),
            get(
                "/incidents/{id}/approvals/{number}",
                incident::approvals::show_one,
            ),
            post(
                "/incidents/{id}/approvals/{number}",
                incident::approvals::decide,
            ),
            get("/incidents/{id}/entries/{seq}", incident::entry_page::show),
            post(
                "/incidents/{id}/entries/{seq}/redact",
                incident::entry_page::redact,
            ),
        ],
    )
}

/// Returns the pages about the console itself.
pub(super) fn operator_rows() -> [Row; 5] {
    group(
        "web",
        Area::Web,
        [
            get("/audit", web::audit::show),
            get("/pagers", web::pagers::show),
            post("/pagers/test", web::pagers::test_page::test),
            post("/pagers/retry", web::pagers::retry::retry),
            get("/about", web::about::show),
        ],
    )
}

/// Returns what is shown without a login.
pub(super) fn web_open_rows() -> [Row; 2] {
    group(
        "web",
        Area::WebOpen,
        [
            get("/assets/{name}", files::show),
            post("/preferences", preferences::save),
        ],
    )
}

/// Returns the pages for the public.
pub(super) fn status_rows() -> [Row; 3] {
    group(
        "web",
        Area::Status,
        [
            get("/status", status::show::show),
            get("/status/incidents/{id}", status::incident::show),
            get("/status/assets/{name}", status::assets::show),
        ],
    )
}
