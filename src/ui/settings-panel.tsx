import type { ReactElement } from 'react'
import { MOST_NEW_TOKENS, type Theme } from '../state/settings-slice.ts'
import { useApp } from './store-context.ts'

const THEMES: Record<Theme, string> = { auto: 'As the system', light: 'Light', dark: 'Dark' }

export function SettingsPanel(): ReactElement {
  const settings = useApp((state) => state.settings)
  const change = useApp((state) => state.changeSettings)
  return (
    <details className="settings">
      <summary>Settings</summary>
      <label>
        Caption begins with
        <input
          type="text"
          value={settings.prompt}
          placeholder="a photo of"
          onChange={(event) => change({ prompt: event.target.value })}
        />
      </label>
      <label>
        Longest answer, in tokens
        <input
          type="number"
          min={1}
          max={MOST_NEW_TOKENS}
          value={settings.maxNewTokens}
          onChange={(event) => change({ maxNewTokens: clamp(event.target.valueAsNumber) })}
        />
      </label>
      <label>
        Appearance
        <select value={settings.theme} onChange={(event) => change({ theme: themeOf(event.target.value) })}>
          {Object.entries(THEMES).map(([theme, name]) => (
            <option key={theme} value={theme}>
              {name}
            </option>
          ))}
        </select>
      </label>
    </details>
  )
}

function clamp(value: number): number {
  return Number.isFinite(value) ? Math.min(MOST_NEW_TOKENS, Math.max(1, Math.round(value))) : 30
}

function themeOf(value: string): Theme {
  return value === 'light' || value === 'dark' ? value : 'auto'
}
