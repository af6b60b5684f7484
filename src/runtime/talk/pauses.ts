/** Between pauses a thread hears nothing for so long at most. Milliseconds. */
const DEAF_MS = 20

/**
 * Pauses of a loop that computes. On the processor a run of the model and all that follows it is one task, run upon run,
 * and no word from another thread (to stop, say) is heard before the last. Call what is returned between runs: it lets
 * waiting messages in, now and then.
 */
export function pauses(): () => Promise<void> {
  let last = performance.now()
  return async () => {
    if (performance.now() - last < DEAF_MS) return
    await nextTask()
    last = performance.now()
  }
}

/** A timer would be held back by browsers for 4 ms; a message is not. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(null)
  })
}
