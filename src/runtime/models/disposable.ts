export interface Disposable {
  dispose: () => Promise<void>
}

export async function disposeAll(opened: readonly Disposable[]): Promise<void> {
  for (const one of opened) await one.dispose()
}

/** What `open` gives. What it noted as opened on the way is disposed of, the last first, when it fails. */
export async function openedWhole<T>(open: (opened: Disposable[]) => Promise<T>): Promise<T> {
  const opened: Disposable[] = []
  try {
    return await open(opened)
  } catch (error) {
    await disposeAll(opened.reverse())
    throw error
  }
}
