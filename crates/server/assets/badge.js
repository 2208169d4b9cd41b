// Shipwhen's badge: whether a product can be had, and when it ships, on any page.
//
//   <script src="https://shipwhen.example/badge.js" data-key="pk_…" defer></script>
//   <a data-shipwhen-sku="MUG" href="https://shipwhen.example/badge/pk_…/MUG">When does it ship?</a>
//
// Without script the link stays and leads to the same answer. No cookie is set and nothing is kept. On an element:
//   data-quantity="3"  data-country="DE"  data-channel="web"   what is asked
//   data-notify                                                a form to be told when it is back
//   data-json-ld data-name="…" data-price="49.00 USD"          the offer for search engines, with the same date
// Colours follow the page's own color-scheme. On the script: data-words='{"en":{"backorder":"On its way: {date}"}}' for words of your own, by language.
// A page that shows other products later calls shipwhen.show().
(() => {
  "use strict";
  const script = document.currentScript;
  if (!script) return;
  const { key } = script.dataset;
  const origin = new URL(script.src).origin;

  // {date}: when it ships at the latest. What is in stock never speaks of waiting.
  const words = {
    en: {
      in_stock: "In stock", limited: "Few left", backorder: "Backorder", preorder: "Pre-order", made_to_order: "Made to order",
      waitlist: "Not available now", out_of_stock: "Out of stock", discontinued: "No longer made",
      ships: "ships by {date}", back: "more should ship by {date}", tell: "Tell me when it is back", email: "Your e-mail",
      noted: "Thank you. We write to you when it is back.", failed: "That did not work. Please try again.",
    },
    de: {
      in_stock: "Auf Lager", limited: "Nur noch wenige", backorder: "Nachbestellt", preorder: "Vorbestellung", made_to_order: "Auf Bestellung gefertigt",
      waitlist: "Zurzeit nicht lieferbar", out_of_stock: "Ausverkauft", discontinued: "Wird nicht mehr hergestellt",
      ships: "Versand bis {date}", back: "Nachschub voraussichtlich bis {date}", tell: "Benachrichtigen, sobald lieferbar", email: "Ihre E-Mail-Adresse",
      noted: "Danke. Wir schreiben Ihnen, sobald es wieder da ist.", failed: "Das hat nicht geklappt. Bitte versuchen Sie es noch einmal.",
    },
    fr: {
      in_stock: "En stock", limited: "Presque épuisé", backorder: "En réapprovisionnement", preorder: "Précommande", made_to_order: "Fabriqué à la commande",
      waitlist: "Indisponible pour le moment", out_of_stock: "Épuisé", discontinued: "N’est plus fabriqué",
      ships: "expédié d’ici le {date}", back: "de nouveau expédié d’ici le {date}", tell: "Prévenez-moi du retour", email: "Votre e-mail",
      noted: "Merci. Nous vous écrirons dès son retour.", failed: "Cela n’a pas fonctionné. Veuillez réessayer.",
    },
    es: {
      in_stock: "En existencias", limited: "Quedan pocas unidades", backorder: "Pedido pendiente", preorder: "Reserva", made_to_order: "Hecho por encargo",
      waitlist: "No disponible ahora", out_of_stock: "Agotado", discontinued: "Ya no se fabrica",
      ships: "envío antes del {date}", back: "habrá más antes del {date}", tell: "Avísenme cuando vuelva", email: "Su correo",
      noted: "Gracias. Le escribiremos cuando vuelva.", failed: "No ha funcionado. Inténtelo de nuevo.",
    },
  };
  try {
    for (const [language, own] of Object.entries(JSON.parse(script.dataset.words ?? "{}")))
      words[language] = { ...words[language] ?? words.en, ...own };
  } catch {
    console.warn("shipwhen: data-words is no JSON");
  }

  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    :host { display: inline-block; font: inherit; }
    .badge { display: inline-flex; flex-wrap: wrap; align-items: baseline; gap: 0.1em 0.5em; }
    .state { display: inline-flex; align-items: center; gap: 0.4em; padding: 0.1em 0.65em; border-radius: 99px; font-size: 0.875em; font-weight: 600;
      color: light-dark(#565b66, #b4b8c2); background: light-dark(#eeede9, #2a2d33); }
    .state::before { content: ""; width: 0.55em; height: 0.55em; border-radius: 50%; border: 2px solid currentColor; box-sizing: border-box; }
    .in_stock, .limited { color: light-dark(#14623c, #7fd6a8); background: light-dark(#e3f3ea, #15301f); }
    .in_stock::before { background: currentColor; }
    .backorder { color: light-dark(#80460a, #f0bd78); background: light-dark(#fcf0dc, #35260f); }
    .preorder, .made_to_order { color: light-dark(#5636b8, #c3b0ff); background: light-dark(#eee9fb, #2a2147); }
    .preorder::before, .made_to_order::before { border-radius: 0; rotate: 45deg; }
    form { display: flex; flex-wrap: wrap; gap: 0.5em; margin-top: 0.5em; }
    input, button { font: inherit; min-height: 2.6em; padding: 0.3em 0.8em; border-radius: 8px; border: 1px solid light-dark(#8c8f98, #7d828d); }
    button { cursor: pointer; font-weight: 600; }
    label { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
    p { margin: 0.4em 0 0; }
  `);

  // The words of the language nearest around an element.
  const speak = (element) => {
    const language = element.closest("[lang]")?.lang || navigator.language || "en";
    const known = words[language] ?? words[language.split("-")[0]] ?? words.en;
    return { known, language: Intl.DateTimeFormat.supportedLocalesOf(language)[0] ?? "en" };
  };

  const day = (date, language) => {
    const at = new Date(`${date}T12:00:00Z`);
    const isThisYear = at.getUTCFullYear() === new Date().getUTCFullYear();
    return new Intl.DateTimeFormat(language, { day: "numeric", month: "long", year: isThisYear ? undefined : "numeric", timeZone: "UTC" }).format(at);
  };

  const make = (name, attributes = {}, ...inside) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...inside);
    return made;
  };

  const call = (path, options = {}) =>
    fetch(origin + path, { ...options, credentials: "omit", headers: { Authorization: `Bearer ${key}`, ...options.headers } });

  const notifyForm = (sku, { dataset }, { known, language }) => {
    const field = make("input", { type: "email", id: "email", required: "", maxlength: "254", autocomplete: "email", placeholder: known.email });
    const form = make("form", {}, make("label", { for: "email" }, known.email), field, make("button", {}, known.tell));
    const said = make("p", { role: "status" });
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const body = { sku, email: field.value, quantity: Number(dataset.quantity ?? 1), locale: language };
      const answer = await call("/v1/waitlist", {
        method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" },
      }).catch(() => null);
      said.textContent = answer?.ok ? known.noted : known.failed;
      if (answer?.ok) form.remove();
    });
    return [form, said];
  };

  const offer = (found, element) => {
    const { name, price } = element.dataset;
    const link = element.href || location.href;
    const offers = { "@type": "Offer", url: link, availability: found.schema_org };
    if (["backorder", "preorder", "made_to_order"].includes(found.state) && found.ship_by.promised)
      offers.availabilityStarts = found.ship_by.promised;
    const [amount, currency] = (price ?? "").split(" ");
    if (currency) Object.assign(offers, { price: amount, priceCurrency: currency });
    const data = { "@context": "https://schema.org", "@type": "Product", name: name ?? found.sku, sku: found.sku, offers };
    const kept = make("script", { type: "application/ld+json", "data-shipwhen-offer": found.sku }, JSON.stringify(data));
    document.querySelector(`script[data-shipwhen-offer="${CSS.escape(found.sku)}"]`)?.remove();
    document.head.append(kept);
  };

  const draw = (element, found) => {
    const spoken = speak(element);
    const { known, language } = spoken;
    const parts = [make("span", { class: `state ${found.state}` }, known[found.state] ?? found.label)];
    const isHere = ["in_stock", "limited"].includes(found.state);
    const date = isHere ? null : found.ship_by.promised ?? null;
    if (date) parts.push(make("span", {}, known.ships.replace("{date}", day(date, language))));
    else if (!isHere && found.restock_on) parts.push(make("span", {}, known.back.replace("{date}", day(found.restock_on, language))));
    // What stands in the element stays in the page for those who come without script; what is drawn stands beside it.
    const host = make("span", { "data-shipwhen-badge": found.sku });
    const root = host.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    root.append(make("span", { class: "badge" }, ...parts));
    if ("notify" in element.dataset && ["waitlist", "out_of_stock"].includes(found.state)) root.append(...notifyForm(found.sku, element, spoken));
    element.hidden = true;
    if (element.nextElementSibling?.dataset.shipwhenBadge !== undefined) element.nextElementSibling.remove();
    element.after(host);
    if ("jsonLd" in element.dataset) offer(found, element);
  };

  // One call for all products that are asked for in the same way, up to a hundred at once.
  const show = async (within = document) => {
    const groups = new Map();
    for (const element of within.querySelectorAll("[data-shipwhen-sku]")) {
      const query = new URLSearchParams();
      for (const name of ["quantity", "country", "channel"]) if (element.dataset[name]) query.set(name, element.dataset[name]);
      const group = `${query}`;
      groups.set(group, [...(groups.get(group) ?? []), element]);
    }
    for (const [asked, elements] of groups) {
      const skus = [...new Set(elements.map((element) => element.dataset.shipwhenSku))];
      for (let at = 0; at < skus.length; at += 100) {
        const query = new URLSearchParams(asked);
        for (const sku of skus.slice(at, at + 100)) query.append("sku", sku);
        try {
          const answer = await call(`/v1/availability?${query}`);
          if (!answer.ok) throw new Error(`${answer.status}`);
          const body = await answer.json();
          for (const found of body.items ?? [body]) {
            if (!found.state) continue;
            for (const element of elements) if (element.dataset.shipwhenSku === found.sku) draw(element, found);
          }
        } catch (error) {
          // The links stay, and lead to the same answer.
          console.warn(`shipwhen: no answer (${error.message})`);
        }
      }
    }
  };

  window.shipwhen = { show };
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", () => show());
  else show();
})();
