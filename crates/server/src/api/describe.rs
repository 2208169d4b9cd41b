//! The API's description: what the handlers say of themselves, and what holds for all of them.

use utoipa::{
    ToSchema,
    openapi::{
        Components, Content, HeaderBuilder, InfoBuilder, LicenseBuilder, ObjectBuilder, OpenApi,
        OpenApiBuilder, Ref, RefOr, Required, ResponseBuilder, Schema, Type,
        path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem},
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
        tag::TagBuilder,
    },
};

use super::{
    params::{LIMIT_DEFAULT, LIMIT_MAX},
    schema,
};

const ABOUT: &str = "Can it be bought now, and when will it ship?\n\n\
    Errors are `application/problem+json` with a stable `code`; wrong input names each wrong field in `errors`. \
    A refusal for business reasons is 409. Unknown fields and parameters are refused by name.\n\n\
    Keys: `sk_…` are for your own systems and do what their scopes say; `pk_…` may be seen in a page, ask for \
    availability, hold, and place orders, and see only what was placed with the same key; to read or cancel an order they \
    send the `token` that its `status_url` ends with. Scopes: `catalog:read`, \
    `catalog:write`, `supplies:read`, `supplies:write`, `availability:read`, `holds:write`, `orders:read`, \
    `orders:write`, `waitlist:read`, `waitlist:write`, `fulfilment:write`, `notices:read`, `notices:write`, `decisions:read`, `privacy:read`, `privacy:write`, `webhooks:read`, `webhooks:write`, `events:read`, `timers:run`, or `*` for all.\n\n\
    Dates such as `2026-12-01` are days at the location that ships; instants are RFC 3339; money is in minor units.";

/// The document before its routes are added.
pub(super) fn frame() -> OpenApi {
    let key = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("An API key: `sk_…` or `pk_…`"))
        .build();
    let mut components = Components::new();
    components.add_security_scheme("key", SecurityScheme::Http(key));
    let mut schemas =
        vec![(schema::Problem::name().into_owned(), <schema::Problem as utoipa::PartialSchema>::schema())];
    schema::Problem::schemas(&mut schemas);
    components.schemas.extend(schemas);
    let tags = [
        ("Catalog", "Places that ship, what is sold, and on what terms"),
        ("Supplies", "What is here and what is on its way"),
        ("Availability", "What can be bought, and when it ships"),
        ("Holds", "Units kept for a cart"),
        ("Orders", "What was ordered, and what was promised"),
        ("Payments", "What was paid, what is due, what is owed"),
        ("Fulfilment", "What is handed over, what comes back, what is sent"),
        ("Notices", "What customers are told, what they answer, and what must happen by when"),
        ("Decisions", "How to sell what is out, what to buy, whom to trust: what the shop's own ledger says"),
        ("Events", "The ledger"),
        ("Privacy", "All that is known of a person, and forgetting it"),
        ("Webhooks", "Who is told of what happens"),
        ("Server", "The server itself"),
    ];
    let tags = tags.map(|(name, about)| TagBuilder::new().name(name).description(Some(about)).build());
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Shipwhen")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(ABOUT))
                .license(Some(LicenseBuilder::new().name("MIT OR Apache-2.0").build()))
                .contact(None::<utoipa::openapi::Contact>)
                .build(),
        )
        .components(Some(components))
        .tags(Some(tags))
        .build()
}

/// The finished document as JSON.
pub(super) fn document(mut api: OpenApi) -> String {
    for (path, item) in &mut api.paths.paths {
        for (method, operation) in operations(item) {
            complete(path, method, operation);
        }
    }
    // Made of texts alone: writing it to memory cannot fail.
    let mut text = api.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    [
        ("get", item.get.as_mut()),
        ("put", item.put.as_mut()),
        ("post", item.post.as_mut()),
        ("patch", item.patch.as_mut()),
        ("delete", item.delete.as_mut()),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation?)))
}

/// Adds what holds for many calls alike: headers, pages and the ways to fail.
fn complete(path: &str, method: &str, operation: &mut Operation) {
    let mut fails: Vec<(&str, &str)> = Vec::new();
    if operation.security.is_some() {
        fails.push(("401", "No key, or one that is not known"));
        fails.push(("403", "The key may not do this"));
    }
    let of_shop = path.starts_with("/v1/");
    if of_shop {
        fails.push(("400", "Not JSON, or a header is missing or not allowed here"));
        header(
            operation,
            "Shipwhen-Now",
            false,
            "The moment this request is answered for; only with --test-clock",
        );
    }
    if path.contains('{')
        || matches!(
            path,
            "/v1/availability" | "/v1/terms" | "/v1/shipments" | "/v1/test/run-due" | "/v1/waitlist"
        )
    {
        fails.push(("404", "There is no such thing"));
    }
    if operation.request_body.is_some() {
        fails.push(("413", "The body is too large"));
        fails.push(("415", "The body is not sent as JSON"));
    }
    if of_shop {
        fails.push(("422", "Wrong input, named field by field"));
    }
    if of_shop && method != "get" {
        fails.push(("409", "Refused for business reasons; the code says which"));
        fails.push(("429", "Too many requests are waiting: come back"));
    }
    fails.push(("503", "The store does not answer, or the server stops: come back"));
    let keyed = matches!(method, "post" | "patch")
        && !path.ends_with("/batch")
        && !path.ends_with("/preview")
        && !path.starts_with("/v1/webhooks")
        && !path.starts_with("/v1/test");
    if keyed {
        let required = method == "post" && (path == "/v1/orders" || path.ends_with("/receipts"));
        let about = "A new one for each new request; the same again answers the same and does nothing more";
        header(operation, "Idempotency-Key", required, about);
    }
    let is_fence = method == "post" && path == "/v1/ring-fences";
    if method == "put" || is_fence {
        let read = if is_fence { "The `tag`" } else { "The ETag" };
        header(operation, "If-Match", false, &format!("{read} that was read: if it changed since, 412"));
        fails.push(("412", "It was changed since it was read"));
    }
    if method == "get" && is_page(operation) {
        page(operation);
    }
    for (status, about) in fails {
        let problem = Content::new(Some(RefOr::Ref(Ref::from_schema_name("Problem"))));
        let mut response =
            ResponseBuilder::new().description(about).content("application/problem+json", problem);
        if matches!(status, "429" | "503") {
            let seconds =
                HeaderBuilder::new().schema(Some(ObjectBuilder::new().schema_type(Type::Integer))).build();
            response = response.header("Retry-After", seconds);
        }
        operation.responses.responses.insert(status.to_owned(), RefOr::T(response.build()));
    }
}

fn is_page(operation: &Operation) -> bool {
    operation.operation_id.as_deref().is_some_and(|id| id.starts_with("list_"))
}

fn text() -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).into()
}

fn add(operation: &mut Operation, parameter: Parameter) {
    operation.parameters.get_or_insert_default().push(RefOr::T(parameter));
}

fn header(operation: &mut Operation, name: &str, required: bool, about: &str) {
    let required = if required { Required::True } else { Required::False };
    let parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(required)
        .description(Some(about))
        .schema(Some(text()));
    add(operation, parameter.build());
}

fn page(operation: &mut Operation) {
    let limit = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(LIMIT_MAX))
        .default(Some(LIMIT_DEFAULT.into()));
    for (name, schema, about) in [
        ("limit", limit.into(), "How many to a page"),
        ("cursor", text(), "The `next_cursor` of the page before"),
    ] {
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Query)
            .required(Required::False)
            .description(Some(about))
            .schema(Some(schema));
        add(operation, parameter.build());
    }
}
