// What makes pages quicker: a date while a quantity is typed, a badge while a policy is, and news as it happens. Every page
// works without it.
(() => {
  const root = document.documentElement;
  root.classList.add("has-script");

  // Asks for a page and puts parts of it in the place of those that are shown. Of several askings the last one counts.
  let turn = 0;
  const renew = async (address, options, ids) => {
    const mine = ++turn;
    const answer = await fetch(address, options);
    if (!answer.ok || mine !== turn) return false;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const id of ids) {
      const fresh = page.getElementById(id);
      const shown = document.getElementById(id);
      if (fresh && shown) shown.replaceChildren(...fresh.childNodes);
    }
    return true;
  };
  const typed = (form, names, act) => {
    let waiting;
    form.addEventListener("input", (event) => {
      if (names && !names.includes(event.target.name)) return;
      clearTimeout(waiting);
      waiting = setTimeout(act, 200);
    });
  };

  const order = document.getElementById("order");
  if (order) {
    typed(order, ["quantity", "country"], async () => {
      const { quantity, country } = order.elements;
      if (!quantity.checkValidity()) return;
      const address = new URL(order.action);
      address.searchParams.set("quantity", quantity.value);
      address.searchParams.set("country", country.value);
      const offer = document.getElementById("offer");
      offer.classList.add("is-asking");
      try {
        await renew(address, {}, ["offer", "send"]);
      } finally {
        offer.classList.remove("is-asking");
      }
    });
  }

  const policy = document.getElementById("policy");
  if (policy) {
    typed(policy, null, () =>
      renew(`${policy.action}/preview`, { method: "POST", body: new URLSearchParams(new FormData(policy)) }, [
        "badge-preview",
      ]));
  }

  // A table that is chosen or dropped is read into the form, and tried at once.
  const table = document.getElementById("import");
  if (table) {
    const read = async (file) => {
      if (!file) return;
      table.elements.table.value = await file.text();
      table.requestSubmit();
    };
    document.getElementById("file").addEventListener("change", (event) => read(event.target.files[0]));
    const over = (isOver) => document.body.classList.toggle("is-over", isOver);
    addEventListener("dragover", (event) => {
      event.preventDefault();
      over(true);
    });
    addEventListener("dragleave", () => over(false));
    addEventListener("drop", (event) => {
      event.preventDefault();
      over(false);
      read(event.dataTransfer.files[0]);
    });
  }

  // Photos of today's telephones are larger than what is kept: they are made smaller before they are sent.
  const photos = document.getElementById("photo-form");
  if (photos) {
    const smaller = async (file) => {
      const picture = await createImageBitmap(file);
      const share = Math.min(1, 1600 / Math.max(picture.width, picture.height));
      const canvas = document.createElement("canvas");
      canvas.width = Math.max(1, Math.round(picture.width * share));
      canvas.height = Math.max(1, Math.round(picture.height * share));
      canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
      const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.85));
      return new File([blob], "photo.jpg", { type: "image/jpeg" });
    };
    photos.addEventListener("submit", async (event) => {
      event.preventDefault();
      const field = photos.elements.photo;
      const chosen = new DataTransfer();
      // What this browser cannot read is sent as it is: the server says what is wrong with it.
      for (const file of field.files) chosen.items.add(await smaller(file).catch(() => file));
      field.files = chosen.files;
      photos.submit();
    });
  }

  // A run that is not over goes on by itself.
  const run = document.querySelector("form[data-go-on]");
  if (run) setTimeout(() => run.requestSubmit(), Number(run.dataset.goOn));

  // News: the page renews itself, unless somebody is in the middle of something; then a button offers it.
  const live = document.querySelector("[data-live]");
  if (live && window.EventSource) {
    const busy = () => {
      const at = document.activeElement;
      const form = at && at.closest("form, details");
      const isTyped = [...live.querySelectorAll("input, select, textarea")].some((field) =>
        field.type === "checkbox" || field.type === "radio"
          ? field.checked !== field.defaultChecked
          : field.type !== "hidden" && field.tagName === "INPUT" && field.value !== field.defaultValue);
      return Boolean(form && live.contains(form)) || isTyped || !window.getSelection().isCollapsed;
    };
    const show = async () => {
      const at = document.activeElement;
      const href = live.contains(at) ? at.getAttribute("href") : null;
      const answer = await fetch(location.href);
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("[data-live]");
      if (!fresh) return;
      live.replaceChildren(...fresh.childNodes);
      // Whoever stood on a link stands on it still.
      if (href) {
        const again = [...live.querySelectorAll("a")].find((link) => link.getAttribute("href") === href);
        if (again) again.focus({ preventScroll: true });
      }
    };
    const offer = () => {
      if (live.querySelector(".fresh")) return;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "button fresh";
      button.textContent = "Something changed: show it";
      button.addEventListener("click", show);
      const status = document.createElement("div");
      status.setAttribute("role", "status");
      live.append(status);
      status.append(button);
    };
    let waiting;
    const source = new EventSource("/live");
    source.addEventListener("changed", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => (busy() ? offer() : show()), 300);
    });
    addEventListener("pagehide", () => source.close());
  }
})();
