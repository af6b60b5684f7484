import type { ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import type { Exchange } from '../../state/exchange-slice.ts'
import { useFileField } from '../taking/choose-files.tsx'
import { useApp } from '../store-context.ts'

/** Carrying conversations away as files, and bringing them back. */
export function ExchangePanel(): ReactElement {
  const exchange = useApp((state) => state.exchange)
  return exchange === null ? <ExchangeActions /> : <ExchangeProgress exchange={exchange} />
}

function ExchangeActions(): ReactElement {
  const { t } = useTranslation('shell')
  const any = useApp((state) => state.conversations.length > 0)
  const currentId = useApp((state) => state.currentId)
  const exportAll = useApp((state) => state.exportAll)
  const exportMarkdown = useApp((state) => state.exportMarkdown)
  const importFile = useApp((state) => state.importFile)
  const [input, choose] = useFileField()
  return (
    <div className="exchange">
      {any && (
        <button type="button" className="link" onClick={() => void exportAll()}>
          {t('list.exportAll')}
        </button>
      )}
      {currentId !== null && (
        <button type="button" className="link" onClick={() => exportMarkdown(currentId)}>
          {t('list.markdown')}
        </button>
      )}
      <button type="button" className="link" onClick={choose}>
        {t('list.import')}
      </button>
      <input
        ref={input}
        type="file"
        accept="application/zip,.zip,application/json,.json"
        hidden
        onChange={(event) => {
          const [file] = event.target.files ?? []
          if (file !== undefined) void importFile(file)
          event.target.value = ''
        }}
      />
    </div>
  )
}

function ExchangeProgress({ exchange }: { exchange: Exchange }): ReactElement {
  const { t } = useTranslation('shell')
  const { doing, doneBytes, totalBytes } = exchange
  const cancel = useApp((state) => state.cancelExchange)
  const size = { size: totalBytes }
  const label = doing === 'exporting' ? t('list.exporting', size) : t('list.importing', size)
  return (
    <div className="loading">
      <span>{label}</span>
      <progress aria-label={label} value={doneBytes} max={Math.max(1, totalBytes)} />
      <div className="actions">
        <button type="button" onClick={cancel}>
          {t('cancel')}
        </button>
      </div>
    </div>
  )
}
