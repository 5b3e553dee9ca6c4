// The API key of this tab: pasted once, tried, kept for as long as the tab is open.

import { at, say } from "./dom.js";
import { forgetKey, keepKey, Key, signed, storedKey } from "./rest.js";

export class AccountKey {
  key = null;
  /** The account that the pasted object names; shown and nothing else. */
  #account = "";

  /** `known(key)`: this key from now on, null for none. */
  constructor(known) {
    this.known = known;
    at("account").addEventListener("click", () => this.open());
    at("key-close").addEventListener("click", () => at("key-dialog").close());
    at("key-forget").addEventListener("click", () => this.forget());
    at("key-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#use();
    });
    at("key-id").addEventListener("input", () => this.#taken());
    at("key-id").addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      this.#use();
    });
  }

  /** The key that a reload has left. */
  async begin() {
    const key = await storedKey();
    if (key) this.#set(key);
  }

  open() {
    at("key-wrong").textContent = "";
    at("key-forget").hidden = !this.key;
    at("key-dialog").showModal();
    at("key-id").focus();
  }

  forget() {
    forgetKey();
    at("key-dialog").close();
    this.#set(null);
  }

  #set(key) {
    this.key = key;
    at("account").classList.toggle("known", Boolean(key));
    say(at("account-text"), key ? key.account || `Key ${key.id.slice(0, 6)}…` : "Connect key");
    this.known(key);
  }

  /** A whole JSON object was pasted, or a list of them: take the first that has both. */
  #taken() {
    const text = at("key-id").value.trim();
    if (!text.startsWith("{") && !text.startsWith("[")) return;
    try {
      const found = [JSON.parse(text)].flat()[0];
      if (typeof found.key !== "string" || typeof found.secret !== "string") return;
      at("key-id").value = found.key;
      at("key-secret").value = found.secret;
      this.#account = typeof found.account === "string" ? found.account : "";
    } catch {
      // Not whole yet.
    }
  }

  async #use() {
    const [id, secret] = [at("key-id").value.trim(), at("key-secret").value.trim()];
    if (!id || !secret) {
      say(at("key-wrong"), "A key and its secret are needed.");
      return;
    }
    at("key-save").disabled = true;
    try {
      const key = await Key.of(id, secret, this.#account);
      await signed(key, "GET", "/v1/orders?limit=1");
      keepKey(id, secret, this.#account);
      at("key-form").reset();
      at("key-dialog").close();
      this.#set(key);
    } catch (error) {
      say(at("key-wrong"), error.message);
    } finally {
      at("key-save").disabled = false;
    }
  }
}
