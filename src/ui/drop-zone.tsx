import { useEffect, useRef, useState, type ChangeEvent, type ReactElement, type ReactNode } from 'react'
import { AppError } from '../pack/failure.ts'
import { droppedFiles, isModel, type DroppedFile } from './dropped-files.ts'
import { useApp } from './store-context.ts'

/** The whole page takes pictures: dropped anywhere, pasted, or chosen with the button. */
export function DropZone({ children }: { children: ReactNode }): ReactElement {
  const addFiles = useAddFiles()
  const requestOffer = useApp((state) => state.requestOffer)
  const addModel = (files: DroppedFile[]): void =>
    void requestOffer({ kind: 'files', files }, { precision: 'q4f16', token: null })
  const over = useFileDrag(
    addFiles,
    addModel,
    useApp((state) => state.report),
  )
  usePaste(addFiles)
  return (
    <div className="page">
      {children}
      {over && (
        <div className="drop-overlay" aria-hidden="true">
          <p>Drop the picture, or the folder of a model, anywhere</p>
        </div>
      )}
    </div>
  )
}

/** "Choose image": opens the file dialog. */
export function ChooseImage({ primary = true }: { primary?: boolean }): ReactElement {
  const addFiles = useAddFiles()
  const input = useRef<HTMLInputElement>(null)
  const onChange = (event: ChangeEvent<HTMLInputElement>): void => {
    addFiles([...(event.target.files ?? [])])
    // The same file may be chosen again.
    event.target.value = ''
  }
  return (
    <>
      <button
        type="button"
        className={primary ? 'primary' : ''}
        data-after-removal
        onClick={() => input.current?.click()}
      >
        Choose image
      </button>
      <input ref={input} type="file" accept="image/*" multiple hidden onChange={onChange} />
    </>
  )
}

function useAddFiles(): (files: File[]) => void {
  const addImages = useApp((state) => state.addImages)
  return (files) => {
    if (files.length > 0)
      addImages(files.map((file) => ({ image: file, name: file.name || 'Pasted picture' })))
  }
}

const UNREADABLE = 'What was dropped cannot be read; drop it again, or choose the files instead.'

function useFileDrag(
  addFiles: (files: File[]) => void,
  addModel: (files: DroppedFile[]) => void,
  report: (error: unknown) => void,
): boolean {
  const [over, setOver] = useState(false)
  useEffect(() => {
    const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false
    const onOver = (event: DragEvent): void => {
      if (!hasFiles(event)) return
      event.preventDefault()
      setOver(true)
    }
    const onLeave = (event: DragEvent): void => {
      if (event.relatedTarget === null) setOver(false)
    }
    const onDrop = (event: DragEvent): void => {
      if (!hasFiles(event)) return
      event.preventDefault()
      setOver(false)
      // Entries must be asked for before the handler ends; reading them may take its time.
      const dropped = droppedFiles(event.dataTransfer)
      dropped
        .then((files) => {
          if (isModel(files)) addModel(files)
          else addFiles(files.map(({ file }) => file))
        })
        .catch((cause: unknown) => report(new AppError('bad-file', UNREADABLE, { cause })))
    }
    document.addEventListener('dragover', onOver)
    document.addEventListener('dragleave', onLeave)
    document.addEventListener('drop', onDrop)
    return () => {
      document.removeEventListener('dragover', onOver)
      document.removeEventListener('dragleave', onLeave)
      document.removeEventListener('drop', onDrop)
    }
  })
  return over
}

function usePaste(addFiles: (files: File[]) => void): void {
  useEffect(() => {
    const onPaste = (event: ClipboardEvent): void => addFiles([...(event.clipboardData?.files ?? [])])
    document.addEventListener('paste', onPaste)
    return () => document.removeEventListener('paste', onPaste)
  })
}
