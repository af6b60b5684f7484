import { useContext, useEffect, useState } from 'react'
import type { AppStore } from '../../state/store.ts'
import { StoreContext } from '../store-context.ts'

/** Small pictures that stay at hand behind those in sight: some ten kilobytes each. */
const MOST = 500

/** Object URLs by SHA-256, the latest last. */
const urls = new Map<string, string>()

/** The URL of a small picture once it is there; null until then, and where there is none. */
export function useThumbnail(sha256: string): string | null {
  const store = useContext(StoreContext)
  const [shown, setShown] = useState<{ sha256: string; url: string } | null>(null)
  useEffect(() => {
    if (store === null) return
    let isWanted = true
    void urlOf(store, sha256).then((url) => {
      if (isWanted && url !== null) setShown({ sha256, url })
    })
    return () => {
      isWanted = false
    }
  }, [store, sha256])
  return shown?.sha256 === sha256 ? shown.url : null
}

async function urlOf(store: AppStore, sha256: string): Promise<string | null> {
  const known = urls.get(sha256)
  if (known !== undefined) {
    urls.delete(sha256)
    urls.set(sha256, known)
    return known
  }
  const blob = await store
    .getState()
    .searchActions.thumbnail(sha256)
    .catch(() => null)
  if (blob === null) return null
  const url = urls.get(sha256) ?? URL.createObjectURL(blob)
  urls.set(sha256, url)
  const [oldest] = urls
  if (urls.size > MOST && oldest !== undefined) {
    urls.delete(oldest[0])
    URL.revokeObjectURL(oldest[1])
  }
  return url
}
