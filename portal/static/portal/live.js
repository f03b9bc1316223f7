// One stream per page: a message names a topic that changed, and the fragment is fetched and morphed in.
// Without the stream the page looks again every ten seconds; focus, selection and scroll stay either way.
const part = document.querySelector("[data-live]")
const chip = document.querySelector("[data-live-chip]")
const PAUSE = 500, POLL = 10000, STALE = 15000, RETRY = 3000
let loaded = Date.now(), source = null, heard = Date.now(), due = null, stream = "connecting"
const LOOKS = { live: ["good", "Live"], polling: ["idle", "Polling"], down: ["warn", "Reconnecting"], connecting: ["idle", "Connecting"] }

// The chip tells how old the page may be: what was heard by the stream and what was fetched count alike.
function tell() {
  const age = Date.now() - heard
  const [tone, word] = age > STALE ? ["warn", `Stale, ${Math.round(age / 1000)} s`] : LOOKS[stream]
  document.body.classList.toggle("is-stale", age > STALE)
  if (!chip || chip.lastElementChild.textContent === word) return
  chip.className = `lf-state is-${tone} lf-tab`
  chip.lastElementChild.textContent = word
}

function now(state) { stream = state; tell() }

// What somebody has begun to type or to choose is never replaced under them.
function changed(field) {
  if (field.matches("select")) return !(field.selectedOptions[0]?.defaultSelected ?? true) && field.selectedIndex > 0
  return field.type === "checkbox" ? field.checked !== field.defaultChecked : field.value !== field.defaultValue
}

function busy() {
  return [...part.querySelectorAll("input:not([type=hidden]), select, textarea")].some(changed)
}

function look() {
  due = null
  if (document.hidden || busy()) return
  htmx.ajax("GET", location.href, { target: part, select: `#${part.id}`, swap: "morph:outerHTML" })
}

function soon() { due ??= setTimeout(look, PAUSE) }

async function open() {
  source?.close()
  try {
    const query = new URLSearchParams({ topics: part.dataset.live, tenant: part.dataset.tenant })
    const answer = await fetch(`/live/token?${query}`, { headers: { Accept: "application/json" } })
    if (!answer.ok) throw new Error(String(answer.status))
    source = new EventSource((await answer.json()).url)
  } catch {
    if (stream !== "polling") now("down")
    setTimeout(open, RETRY)
    return
  }
  source.addEventListener("state", (event) => {
    heard = Date.now()
    now(event.data === "live" ? "live" : "polling")
  })
  // The token has lapsed: another one, and nothing is missed but what the look brings.
  source.addEventListener("renew", () => { heard = Date.now(); source.close(); open(); soon() })
  source.addEventListener("changed", () => { heard = Date.now(); soon() })
  source.onerror = () => { source.close(); now("down"); setTimeout(open, RETRY) }
}

// Timers count here from the server's time, and are corrected with every fragment.
function tick() {
  const shift = Date.now() - loaded
  for (const timer of part.querySelectorAll("[data-since]")) {
    const seconds = Math.max(0, Math.floor((Date.parse(part.dataset.now) - Date.parse(timer.dataset.since) + shift) / 1000))
    timer.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`
  }
}

if (part) {
  open()
  tick()
  setInterval(tick, 1000)
  document.addEventListener("htmx:afterSwap", () => {
    loaded = heard = Date.now()
    if (stream === "down") stream = "polling"
    tick()
    tell()
  })
  setInterval(() => { if (stream !== "live") look() }, POLL)
  setInterval(tell, 1000)
  document.addEventListener("visibilitychange", look)
}
