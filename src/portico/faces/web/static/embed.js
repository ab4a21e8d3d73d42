// Portico: a customer connects their account without leaving your site. `authenticate(linkToken, options)` gives a
// promise; see docs/reference/link-script.md.
const portico = (script) => {
  const home = script ? new URL(".", script).href : "";
  const style = new CSSStyleSheet();
  style.replaceSync(`
    dialog { padding: 0; border: 0; border-radius: 12px; overflow: hidden; box-shadow: 0 8px 40px #0006; max-width: 100vw;
      max-height: 100dvh; background: Canvas; color: CanvasText; }
    dialog::backdrop { background: #0008; }
    iframe { display: block; width: 100%; height: calc(100% - 44px); border: 0; color-scheme: normal; }
    button { display: block; margin: 0 0 0 auto; width: 44px; height: 44px; border: 0; font: 24px/1 system-ui, sans-serif;
      background: none; color: inherit; cursor: pointer; }
    button:focus-visible { outline: 3px solid; outline-offset: -5px; }
    @media (max-width: 500px) { dialog { width: 100vw !important; height: 100dvh !important; border-radius: 0; } }
  `);

  const failure = ({ error_type, message, integrated_account_id }) =>
    Object.assign(new Error(message), { error_type, integrated_account_id });

  const addressOf = (options) => {
    const base = options.baseUrl || home;
    if (!base) throw failure({ error_type: "connection_error", message: "Say where Portico is: the option baseUrl." });
    return base.endsWith("/") ? base : `${base}/`;
  };

  const check = async (base, asked) => {
    let told;
    try {
      const body = new URLSearchParams(asked);
      told = await (await fetch(`${base}connect/check`, { method: "POST", body, credentials: "omit" })).json();
    } catch {
      throw failure({ error_type: "connection_error", message: `Portico could not be reached at ${base}.` });
    }
    if (told.error_type) throw failure(told);
  };

  // Listens to one window alone, until `end`. A page that is closed after a failure is rejected with that failure.
  const hearing = (base, source, tidy) => {
    let outcome = "closed";
    let isReady = false;
    let end;
    const finished = new Promise((resolve, reject) => {
      const hear = ({ origin, source: from, data }) => {
        if (origin !== new URL(base).origin || from !== source() || data?.from !== "portico") return;
        isReady = true;
        outcome = data.outcome ?? outcome;
        if (data.close) end();
      };
      addEventListener("message", hear);
      end = (problem) => {
        removeEventListener("message", hear);
        tidy();
        if (problem) reject(problem);
        else if (outcome.result === "success") resolve(outcome);
        else reject(outcome === "closed" ? outcome : failure(outcome));
      };
    });
    return { finished, end, isReady: () => isReady };
  };

  const inFrame = (base, address, { width = 480, height = 720 }) => {
    const place = document.createElement("div");
    const root = place.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [style];
    const dialog = document.createElement("dialog");
    dialog.setAttribute("aria-label", "Connect an account");
    dialog.style.width = `${parseInt(width)}px`;
    dialog.style.height = `${parseInt(height)}px`;
    const close = document.createElement("button");
    close.type = "button";
    close.textContent = "×";
    close.setAttribute("aria-label", "Close");
    const frame = document.createElement("iframe");
    frame.title = "Connect an account";
    dialog.append(close, frame);
    root.append(dialog);
    document.body.append(place);
    const heard = hearing(base, () => frame.contentWindow, () => {
      dialog.close();
      place.remove();
    });
    close.onclick = () => heard.end();
    dialog.oncancel = (event) => {
      event.preventDefault();
      heard.end();
    };
    frame.onload = () => setTimeout(() => {
      const message = "The page was not shown; does this site's Content-Security-Policy allow it in frame-src?";
      if (!heard.isReady() && place.isConnected) heard.end(failure({ error_type: "connection_error", message }));
    }, 5000);
    frame.src = address;
    dialog.showModal();
    frame.focus();
    return heard.finished;
  };

  const inWindow = (base, address, opened) => {
    const heard = hearing(base, () => opened, () => {
      clearInterval(watch);
      opened.close();
    });
    const watch = setInterval(() => opened.closed && heard.end(), 250);
    opened.location.replace(address);
    return heard.finished;
  };

  const authenticate = async (linkToken, options = {}) => {
    const base = addressOf(options);
    const mode = options.sameWindow ? "window" : options.iframe === false ? "popup" : "iframe";
    const { width = 480, height = 720 } = options;
    const features = `popup,width=${parseInt(width)},height=${parseInt(height)}`;
    // At once: a browser lets a window open only while somebody's click is being answered.
    const opened = mode === "popup" ? open("", "_blank", features) : null;
    if (mode === "popup" && !opened) throw "blocked";
    const asked = { link_token: linkToken };
    if (options.integration) asked.integration = options.integration;
    if (options.integrations?.length) asked.integrations = options.integrations.join(",");
    try {
      await check(base, asked);
    } catch (problem) {
      opened?.close();
      throw problem;
    }
    if (options.noBack) asked.no_back = "1";
    Object.assign(asked, { mode, origin: location.origin });
    if (mode === "window") asked.return_to = location.href.split("#")[0];
    const address = `${base}connect?${new URLSearchParams(asked)}`;
    if (mode === "iframe") return inFrame(base, address, options);
    if (mode === "popup") return inWindow(base, address, opened);
    location.assign(address);
    return new Promise(() => {});
  };

  // What a page finds out that somebody came back to in the same window; null where nobody did.
  const returned = async () => {
    const here = new URL(location.href);
    const names = ["result", "integration", "integrated_account_id", "error_type"];
    const [result, integration, integrated_account_id, error_type] = names.map((name) => here.searchParams.get(name));
    if (result !== "success" && result !== "error") return null;
    names.forEach((name) => here.searchParams.delete(name));
    history.replaceState(history.state, "", here);
    if (result === "success") return { result, integration, integrated_account_id };
    throw error_type === "closed" ? "closed" : failure({ error_type, message: "The account was not connected." });
  };

  return { authenticate, returned };
};
