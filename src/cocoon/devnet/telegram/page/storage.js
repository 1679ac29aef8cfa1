// What Mini Apps keep with Telegram, kept here in this browser, one shelf a person.

function shelf(kind, person) {
  const key = `stand-in-${kind}-${person}`;
  const read = () => JSON.parse(localStorage.getItem(key) || "{}");
  const write = (values) => localStorage.setItem(key, JSON.stringify(values));
  return { read, write };
}

/** `web_app_invoke_custom_method` for CloudStorage. */
export function cloudMethod(person, method, params) {
  const { read, write } = shelf("cloud", person);
  const values = read();
  switch (method) {
    case "saveStorageValue": write({ ...values, [params.key]: String(params.value) }); return { result: true };
    case "getStorageValues": return { result: Object.fromEntries((params.keys || []).map((key) => [key, values[key] || ""])) };
    case "getStorageKeys": return { result: Object.keys(values) };
    case "deleteStorageValues": {
      (params.keys || []).forEach((key) => delete values[key]);
      write(values);
      return { result: true };
    }
    case "getRequestedContact": return { error: "PHONE_NOT_SHARED" };
    default: return { error: "METHOD_INVALID" };
  }
}

/** Handlers of DeviceStorage and SecureStorage. */
export function shelfHandlers(send, kind, person) {
  const { read, write } = shelf(kind, person);
  const name = kind === "device" ? "device_storage" : "secure_storage";
  return {
    [`web_app_${name}_save_key`]({ req_id, key, value }) {
      const values = read();
      if (value === null) delete values[key];
      else values[key] = String(value);
      write(values);
      send(`${name}_key_saved`, { req_id });
    },
    [`web_app_${name}_get_key`]({ req_id, key }) {
      const value = read()[key];
      send(`${name}_key_received`, { req_id, value: value === undefined ? null : value });
    },
    [`web_app_${name}_clear`]({ req_id }) {
      write({});
      send(`${name}_cleared`, { req_id });
    },
  };
}
