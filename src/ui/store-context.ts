import { createContext, useContext } from 'react'
import { useStore } from 'zustand'
import type { AppState, AppStore } from '../state/store.ts'

export const StoreContext = createContext<AppStore | null>(null)

/** One value of the state. Components take one selector per value. */
export function useApp<T>(selector: (state: AppState) => T): T {
  const store = useContext(StoreContext)
  if (store === null) throw new Error('A component was rendered outside App.')
  return useStore(store, selector)
}
