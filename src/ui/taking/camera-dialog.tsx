import { useEffect, useRef, useState, type ReactElement, type RefObject } from 'react'
import { useTranslation } from 'react-i18next'
import { Over } from '../parts/over.tsx'
import { useApp } from '../store-context.ts'
import { PictureInput, useFileField } from './choose-files.tsx'

type Camera = 'starting' | 'running' | 'refused'
type Facing = 'environment' | 'user'

/** The camera in the page; where it is refused or absent, the device's own way to take a photo. */
export function CameraDialog(): ReactElement {
  const { t } = useTranslation('talk')
  const close = useApp((state) => state.closePanel)
  const takePictures = useApp((state) => state.takePictures)
  const [facing, setFacing] = useState<Facing>('environment')
  const { video, camera } = useCamera(facing)
  const [input, openInput] = useFileField()
  const shoot = async (): Promise<void> => {
    const image = await frameOf(video.current)
    close()
    if (image !== null) await takePictures([{ image, name: `${t('adding.photo')}.jpg` }])
  }
  return (
    <Over name={t('camera.heading')} className="dialog camera">
      <h2>{t('camera.heading')}</h2>
      {camera === 'refused' ? (
        <>
          <p role="alert">{t('camera.refused')}</p>
          <button type="button" className="primary" onClick={openInput}>
            {t('adding.choose')}
          </button>
          <PictureInput input={input} capture="environment" multiple={false} />
        </>
      ) : (
        <>
          <video ref={video} aria-label={t('camera.picture')} autoPlay playsInline muted />
          {camera === 'starting' && <p role="status">{t('camera.starting')}</p>}
          <div className="actions">
            <button
              type="button"
              className="primary"
              disabled={camera !== 'running'}
              onClick={() => void shoot()}
            >
              {t('camera.take')}
            </button>
            <button
              type="button"
              className="quiet"
              onClick={() => setFacing(facing === 'user' ? 'environment' : 'user')}
            >
              {t('camera.turn')}
            </button>
          </div>
        </>
      )}
    </Over>
  )
}

/** Runs the camera while the dialog is there; its light goes out with it. */
function useCamera(facing: Facing): { video: RefObject<HTMLVideoElement | null>; camera: Camera } {
  const video = useRef<HTMLVideoElement>(null)
  const [camera, setCamera] = useState<Camera>('starting')
  useEffect(() => {
    let stream: MediaStream | null = null
    let isOver = false
    const stop = (): void => stream?.getTracks().forEach((track) => track.stop())
    const start = async (): Promise<void> => {
      setCamera('starting')
      // Absent outside secure contexts, which is a TypeError here.
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: facing } })
      if (isOver || video.current === null) {
        stop()
        return
      }
      video.current.srcObject = stream
      await video.current.play()
      setCamera('running')
    }
    start().catch(() => {
      if (!isOver) setCamera('refused')
    })
    return () => {
      isOver = true
      stop()
    }
  }, [facing])
  return { video, camera }
}

async function frameOf(video: HTMLVideoElement | null): Promise<Blob | null> {
  if (video === null) return null
  const canvas = document.createElement('canvas')
  canvas.width = video.videoWidth
  canvas.height = video.videoHeight
  canvas.getContext('2d')?.drawImage(video, 0, 0)
  return new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.92))
}
