import { useEffect, useRef, useState, type KeyboardEvent, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import { useChoosePictures } from '../taking/choosing.tsx'
import { usePasting } from '../taking/use-taking.ts'
import { IconButton } from '../parts/icon-button.tsx'
import { Icon, type IconName } from '../parts/icons.tsx'
import { useApp } from '../store-context.ts'
import { useDrawScene } from './scenes.ts'

/** The ways in which another picture comes: from this device, from the camera, from an address, drawn. */
export function AddMenu(): ReactElement {
  const { t } = useTranslation('talk')
  const [open, setOpen] = useState(false)
  const box = useRef<HTMLDivElement>(null)
  const choose = useChoosePictures()
  const paste = usePasting()
  const openPanel = useApp((state) => state.openPanel)
  const builtIn = useApp((state) => state.settings.model === null)
  const drawScene = useDrawScene()
  useEffect(() => {
    if (open) box.current?.querySelector<HTMLElement>('[role=menuitem]')?.focus()
  }, [open])
  const close = (): void => {
    setOpen(false)
    box.current?.querySelector('button')?.focus()
  }
  const items: [IconName, string, () => void][] = [
    ['picture', t('adding.choose'), choose],
    ['camera', t('adding.camera'), () => openPanel('camera')],
    ['link', t('adding.address'), () => openPanel('address')],
    ...(paste !== null ? [['paste', t('adding.paste'), paste] satisfies [IconName, string, () => void]] : []),
    ...(builtIn ? [['scene', t('adding.scene'), drawScene] satisfies [IconName, string, () => void]] : []),
  ]
  return (
    <div
      ref={box}
      className="add-menu"
      onKeyDown={(event) => {
        if (open) moveIn(event, close)
      }}
      onBlur={({ relatedTarget }) => {
        if (relatedTarget !== null && !box.current?.contains(relatedTarget)) setOpen(false)
      }}
    >
      <IconButton
        icon="add"
        label={t('adding.open')}
        aria-haspopup="menu"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      />
      {open && (
        <div role="menu" aria-label={t('adding.open')}>
          {items.map(([icon, label, act]) => (
            <button
              key={label}
              type="button"
              role="menuitem"
              onClick={() => {
                close()
                act()
              }}
            >
              <Icon name={icon} />
              {label}
            </button>
          ))}
        </div>
      )}
    </div>
  )
}

/** As menus are used: arrows go round, Home and End go to the ends, Escape leaves. */
function moveIn(event: KeyboardEvent<HTMLElement>, close: () => void): void {
  const items = [...event.currentTarget.querySelectorAll<HTMLElement>('[role=menuitem]')]
  const at = items.findIndex((item) => item === document.activeElement)
  const places: Record<string, number> = {
    ArrowDown: (at + 1) % items.length,
    ArrowUp: (at - 1 + items.length) % items.length,
    Home: 0,
    End: items.length - 1,
  }
  const to = places[event.key]
  if (to !== undefined) {
    event.preventDefault()
    items[to]?.focus()
  } else if (event.key === 'Escape') {
    event.stopPropagation()
    close()
  }
}
