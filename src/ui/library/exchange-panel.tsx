import { useRef, type ReactElement } from 'react'
import type { Exchange } from '../../state/exchange-slice.ts'
import { bytesText } from '../models/amounts.ts'
import { useApp } from '../store-context.ts'

/** Carrying conversations away as files, and bringing them back. */
export function ExchangePanel(): ReactElement {
  const exchange = useApp((state) => state.exchange)
  return exchange === null ? <ExchangeActions /> : <ExchangeProgress exchange={exchange} />
}

function ExchangeActions(): ReactElement {
  const any = useApp((state) => state.conversations.length > 0)
  const currentId = useApp((state) => state.currentId)
  const exportAll = useApp((state) => state.exportAll)
  const exportMarkdown = useApp((state) => state.exportMarkdown)
  const importFile = useApp((state) => state.importFile)
  const input = useRef<HTMLInputElement>(null)
  return (
    <div className="actions">
      {any && (
        <button type="button" className="quiet" onClick={() => void exportAll()}>
          Export all
        </button>
      )}
      {currentId !== null && (
        <button type="button" className="quiet" onClick={() => exportMarkdown(currentId)}>
          Save as Markdown
        </button>
      )}
      <button type="button" className="quiet" onClick={() => input.current?.click()}>
        Import
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
  const { doing, doneBytes, totalBytes } = exchange
  const cancel = useApp((state) => state.cancelExchange)
  const label = `${doing === 'exporting' ? 'Exporting' : 'Importing'} ${bytesText(totalBytes)}`
  return (
    <div className="loading">
      <span>{label}</span>
      <progress aria-label={label} value={doneBytes} max={Math.max(1, totalBytes)} />
      <div className="actions">
        <button type="button" onClick={cancel}>
          Cancel
        </button>
      </div>
    </div>
  )
}
