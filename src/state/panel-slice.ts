/** What lies over the page: one thing at a time, or nothing. */
import type { SetState } from './store.ts'

/** `models` also has the device and the settings. */
export type Panel = 'models' | 'shortcuts' | 'camera' | 'address' | 'viewer' | 'rail'

export interface PanelSlice {
  panel: Panel | null
  openPanel: (panel: Panel) => void
  closePanel: () => void
}

export function panelSlice(set: SetState): PanelSlice {
  return {
    panel: null,
    openPanel: (panel) => set({ panel }),
    closePanel: () => set({ panel: null }),
  }
}
