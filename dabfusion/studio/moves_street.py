"""Street moves (hip-hop, popping, locking, breaking, house, krump), in the notation of ``studio.moves``."""

from __future__ import annotations

STREET = """
bounce: all, energy 0.2
    hips  1:-.08,-.08,0,-8,4,5 2:.08,-.03,0,8,0,-5 3:-.08,-.08,0,-8,4,5 4:.08,-.03,0,8,0,-5
    chest 1:8,12,5 2:0,-12,-5 3:8,12,5 4:0,-12,-5
    head  1:nod 2:mid 3:nod 4:tilt_left
    la    1:.3,-.6,.35 2:.25,-.75,.05 3:.3,-.6,.35 4:.25,-.75,.05
    ra    1:.25,-.75,.05 2:.3,-.6,.35 3:.25,-.75,.05 4:.3,-.6,.35
    lf    1:.2
    rf    1:.2
step touch: all, energy 0.35
    lf    1:.45 3:= 4:tap
    rf    1:home 2:-.16,.03,0,10,25 3:home 4:=
    hips  1:dip 2:.05,-.02,0,10 3:dip 4:-.05,-.02,0,-10
    chest 1:4,-14,5 2:2,10 3:4,14,-5 4:2,-10
    arms  1:.55,-.35,.3 2:clap 3:.55,-.35,.3 4:clap
    head  1:tilt_right 2:nod 3:tilt_left 4:nod
arm wave: pop la-hip-hop, energy 0.35
    la    1:side! 1.5:.85,.35,.15,.6,0,40 2:.8,.1,.3,1.4,0,-35 3:.5,.2,.5,1.2 4:.2,-.6,.4
    ra    1:.25,-.8,.1 2:.5,-.2,.3,1.2 2.5:.7,.3,.2,1,0,35 3:.94,.1,.15,.4,0,-30! 4:.85,-.3,.2,.5,0,30
    chest 1:2,0,-14 2:out 3:2,0,14 4:in
    hips  1:right 2:mid 3:left 4:dip
    head  1:left 2:mid 3:right 4:down
    lf    1:.24
    rf    1:.24 4:.24,.1,0,10,15
point and hit: lock waack street-jazz, energy 0.6, sharp
    ra    1:diag! 2:chest! 3:.6,-.7,.3! 4:hip!
    la    1:hip! 3:= 4:guard!
    lf    1:wide 2:= 3:.2 4:=
    rf    1:.24 2:.2 3:wide 4:home
    hips  1:right! 2:left! 3:right! 4:dip!
    chest 1:0,-24,10! 2:6,12! 3:12,-18,8! 4:in!
    head  1:right! 2:mid! 3:-8,-35! 4:nod!
twist: all, energy 0.5
    hips  1:0,-.1,0,32,6 2:0,-.1,0,-32,6 3:0,-.2,0,32,12 4:0,-.1,0,-32,6
    chest 1:8,-30 2:8,30 3:16,-30 4:8,30
    la    1:.45,-.3,.45 2:.3,-.35,-.1 3:.45,-.3,.45 4:.3,-.35,-.1
    ra    1:.3,-.35,-.1 2:.45,-.3,.45 3:.3,-.35,-.1 4:.45,-.3,.45
    lf    1:.16,0,0,34,8 2:.16,0,0,-14,8 3:.16,0,0,34,8 4:.16,0,0,-14,8
    rf    1:.16,0,0,-14,8 2:.16,0,0,34,8 3:.16,0,0,-14,8 4:.16,0,0,34,8
    head  1:4,-10 2:4,10 3:10,-10 4:4,10
kick ball change: break pop lock middle-hip-hop la-hip-hop house krump street-jazz, energy 0.75
    lf    1:kick 2:back 3:home 4:=
    rf    1:home 2:= 2.5:.14,0,.08,10,20 3:front 4:home
    hips  1:0,.0,-.05,0,-6 2:dip 3:0,-.1,.04 4:mid
    la    1:back 2:front_low 3:.4,-.4,-.1 4:guard
    ra    1:front 2:back 3:.4,-.2,.5 4:guard
    chest 1:14,-12 2:-4,14 3:10,-8 4:mid
    head  1:nod 2:up 3:mid 4:nod
cabbage patch: middle-hip-hop la-hip-hop pop, energy 0.5
    arms  1:.1,-.1,.75,.6 1.5:.45,-.1,.55,.8 2:.35,-.3,.2,.8 2.5:-.1,-.35,.35,.7 3:.1,-.1,.75,.6 3.5:.45,-.1,.55,.8
          4:.35,-.3,.2,.8
    hips  1:.04,-.08,.08 2:.08,-.04,-.08,0,8 3:-.04,-.08,.08 4:-.08,-.04,-.08,0,8
    chest 1:14,10 2:-6,14 3:14,-10 4:-6,-14
    head  1:nod 2:up 3:nod 4:up
    lf    1:.3 2:.3,0,0,10,12 3:.3
    rf    1:.3 4:.3,0,0,10,12
running man: middle-hip-hop la-hip-hop house break, energy 0.9
    lf    1:.13,.3 1.5:.13,-.1,.0 2:.13,-.3,0,8,20 2.5:.13,.1,.3 3:.13,.3 3.5:.13,-.1,0 4:.13,-.3,0,8,20 4.5:.13,.1,.3
    rf    1:.13,-.3,0,8,20 1.5:.13,.1,.3 2:.13,.3 2.5:.13,-.1,.0 3:.13,-.3,0,8,20 3.5:.13,.1,.3 4:.13,.3
          4.5:.13,-.1,.0
    la    1:.2,-.35,-.1 2:.15,-.1,.5 3:.2,-.35,-.1 4:.15,-.1,.5
    ra    1:.15,-.1,.5 2:.2,-.35,-.1 3:.15,-.1,.5 4:.2,-.35,-.1
    hips  1:0,-.12 1.5:0,-.02 2:0,-.12 2.5:0,-.02 3:0,-.12 3.5:0,-.02 4:0,-.12 4.5:0,-.02
    chest 1:16,10 2:14,-10 3:16,10 4:14,-10
    head  1:6 2:mid 3:6 4:mid
clap and step: all, energy 0.45
    lf    1:wide 2:= 3:home 4:=
    rf    1:home 2:tap 3:.14 4:.36,.04,0,18,20
    arms  1:.6,-.1,.35 2:clap! 3:.6,.2,.35 4:clap!
    hips  1:left 2:dip 3:right 4:dip
    chest 1:0,10 2:10 3:0,-10 4:10
    head  1:tilt_right 2:nod 3:tilt_left 4:nod
punches: krump pop middle-hip-hop, energy 0.8, sharp
    la    1:front! 2:guard! 3:.2,.3,.85! 4:guard!
    ra    1:guard! 2:front! 3:guard! 4:l_up!
    chest 1:12,-32! 2:12,32! 3:4,-30! 4:-8,10!
    hips  1:0,-.16,0,-16,8! 2:0,-.16,0,16,8! 3:0,-.1,.05,-16! 4:0,-.2,-.05,0,14!
    lf    1:wide 4:=
    rf    1:.3,-.1 3:= 4:.36,.1
    head  1:nod 2:nod 3:up 4:nod
lock: lock pop, energy 0.55, sharp
    arms  1:l_front! 2:pull! 3:l_up! 4:l_down!
    lf    1:.26 3:.3 4:=
    rf    1:.26 2:heel 3:.26 4:=
    hips  1:dip! 2:right! 3:0,-.2,-.04,0,14! 4:left!
    chest 1:in! 2:0,-16,10! 3:24! 4:-4,14!
    head  1:nod! 2:left! 3:down! 4:right!
krump stomp: krump, energy 1.0, sharp
    lf    1:.36,.12 1.5:= 2:= 2.5:.3,.1,.5 3:.36,.2 4:=
    rf    1:.3 1.5:.3,.1,.5 2:.36,.2 2.5:= 3:= 4:.3
    arms  4:.7,.2,-.05
    la    1:.2,-.5,.55! 2:.75,.5,.1! 3:-.2,-.4,.5! 4:.6,.6,.1!
    ra    1:.75,.5,.1! 2:-.2,-.4,.5! 3:.6,.6,.1! 4:.5,-.6,.3!
    hips  1:0,-.22,-.04,12,16 2:0,-.22,-.04,-12,16 3:0,-.26,-.04,12,18 4:0,-.1
    chest 1:30,20! 2:30,-20! 3:34,16! 4:-16!
    head  1:10 2:10 3:16 4:up
house jack: house, energy 0.6
    chest 1:in 2:out 3:in 4:out
    hips  1:0,-.12,-.06,0,10 2:0,-.04,.08,0,-8 3:0,-.12,-.06,0,10 4:0,-.04,.08,0,-8
    arms  1:.3,-.4,.5 2:.4,-.5,.0 3:.3,-.3,.55 4:.4,-.5,.0
    lf    1:.2 2:.14,.0,.0,8,20 3:.2 4:.2
    rf    1:.2 2:.2 3:.2 4:.14,0,0,8,20
    head  1:down 2:up 3:down 4:up
house shuffle: house break, energy 0.85
    lf    1:front 1.5:.14,.1,.06 2:home 3:cross 4:wide
    rf    1:home 2:front 2.5:.14,.1,.06 3:home 4:.24
    hips  1:0,-.08,0,-10 2:0,-.08,0,10 3:0,-.1,0,-22 4:dip
    la    1:.3,-.5,-.05 2:.3,-.4,.5 3:-.2,-.3,.5 4:.7,-.3,.2
    ra    1:.3,-.4,.5 2:.3,-.5,-.05 3:.5,-.4,.2 4:.7,-.3,.2
    chest 1:10,14 2:10,-14 3:12,18 4:0
    head  1:nod 2:mid 3:nod 4:mid
knee lift: break pop lock middle-hip-hop la-hip-hop house krump street-jazz, energy 0.7
    lf    1:knee 2:home 3:= 4:=
    rf    1:home 2:= 3:knee 4:home
    la    1:.35,-.6,-.1 2:.6,.3,.2 3:.2,-.1,.6 4:.4,-.5,.2
    ra    1:.2,-.1,.6 2:.6,.3,.2 3:.35,-.6,-.1 4:.4,-.5,.2
    hips  1:0,0,0,-10 2:low 3:0,0,0,10 4:low
    chest 1:12,16 2:6 3:12,-16 4:in
    head  1:down 2:up 3:down 4:mid
toprock: break, energy 0.9
    lf    1:-.05,.36,0,20 2:home 3:= 4:=
    rf    1:home 1.5:.14,0,.06,10,25 2:.3,-.1 3:-.05,.36,0,20 4:home
    arms  1:cross 2:.85,-.1,.2 3:cross 4:.7,-.2,.3
    hips  1:0,-.1,0,-24 2:0,-.05,0,10 3:0,-.1,0,24 4:0,-.05,0,-10
    chest 1:14,-10 2:-6,12 3:14,10 4:-6,-12
    head  1:nod 2:tilt_left 3:nod 4:tilt_right
squat drop: break krump street-jazz la-hip-hop, energy 0.8, whole
    feet  1:wide 8:=
    hips  1:dip 2:squat! 3:0,-.34,-.08,18,20 4:0,-.34,-.08,-18,20 5:dip! 6:left 7:right 8:mid
    arms  1:up! 2:front_low! 5:v!
    la    3:.3,-.6,.5 4:.5,-.1,.6 6:hip 7:diag 8:down
    ra    3:.5,-.1,.6 4:.3,-.6,.5 6:diag 7:hip 8:down
    chest 1:arch 2:24 3:20,16 4:20,-16 5:out 6:tilt_right 7:tilt_left 8:mid
    head  1:up 2:up 3:left 4:right 5:up 6:mid 7:mid 8:nod
robot: pop, energy 0.4, sharp
    la    1:robot! 2:l_front! 3:l_up! 4:robot!
    ra    1:l_down! 2:robot! 3:l_front! 4:down!
    chest 1:2,20! 2:2,-20! 3:20,0! 4:2,0,12!
    hips  1:0,-.03,0,12! 2:0,-.03,0,-12! 3:0,-.08,-.05,0,14! 4:right!
    head  1:left! 2:right! 3:down! 4:up!
    lf    1:.2 3:.2,.12 4:=
    rf    1:.2
charleston: break house la-hip-hop lock, energy 0.7
    lf    1:home 2:kick_low 3:home 4:=
    rf    1:= 2:home 3:= 4:back
    la    1:.3,-.5,.1 2:.3,-.5,-.3 3:.3,-.6,.2 4:.2,-.2,.7
    ra    1:.3,-.6,.2 2:.2,-.2,.7 3:.3,-.5,.1 4:.3,-.5,-.3
    hips  1:dip 2:0,-.02,-.04,8,-4 3:dip 4:0,-.06,.04,-8,10
    chest 1:6 2:-2,-16 3:6 4:16,16
    head  1:nod 2:up 3:nod 4:mid
side kick hop: middle-hip-hop la-hip-hop break, energy 0.8
    lf    1:kick_side 2:home 3:= 4:=
    rf    1:.05 2:= 3:kick_side 4:home
    arms  1:.7,-.2,.2 2:cross_low 3:.7,-.2,.2 4:cross_low
    hips  1:-.03,0,0,0,0,10 2:low 3:.03,0,0,0,0,-10 4:low
    chest 1:4,0,14 2:18 3:4,0,-14 4:18
    head  1:tilt_right 2:down 3:tilt_left 4:down
roger rabbit: middle-hip-hop la-hip-hop house, energy 0.75
    lf    1:home 1.5:.3,-.1,.16 2:behind 3:home 4:home
    rf    1:home 2:= 3:home 3.5:.3,-.1,.16 4:behind
    la    1:.45,.0,.4 2:.4,-.6,-.05 3:.5,.3,.2 4:.3,-.3,.4
    ra    1:.45,.0,.4 2:.3,-.3,.4 3:.5,.3,.2 4:.4,-.6,-.05
    hips  1:high 2:0,-.12,0,14,6 3:high 4:0,-.12,0,-14,6
    chest 1:-8 2:14,-10 3:-8 4:14,10
    head  1:up 2:nod 3:up 4:nod
wop: middle-hip-hop la-hip-hop, energy 0.5
    la    1:.5,.35,.2 2:.1,-.35,.4 3:.5,.35,.2 4:.1,-.5,.45
    ra    1:.1,-.35,.4 2:.5,.35,.2 3:.1,-.35,.4 4:.55,.4,.15
    hips  1:.1,-.06,0,10,0,-6 2:-.1,-.06,0,-10,0,6 3:.1,-.12,0,10,4,-6 4:-.1,-.06,0,-10,0,6
    chest 1:6,14,-10 2:6,-14,10 3:14,14,-10 4:2,-14,12
    head  1:10,10 2:-6,-10 3:12,10 4:-6,-10
    lf    1:.26 2:.26,0,0,15,14 3:.26 4:.26,0,0,15,14
    rf    1:.26,0,0,15,14 2:.26 3:.26,0,0,15,14 4:.26
milly rock: la-hip-hop middle-hip-hop, energy 0.45
    ra    1:.8,.15,.3 1.5:.5,.3,.5 2:-.2,-.1,.45 3:.3,-.75,.15 4:=
    la    1:.3,-.7,.2 2:= 3:.8,.15,.3 3.5:.5,.3,.5 4:-.2,-.1,.45
    hips  1:-.1,-.06,0,-12,0,6 2:.04,-.1,0,10,4 3:.1,-.06,0,12,0,-6 4:-.04,-.1,0,-10,4
    chest 1:4,-20,6 2:12,16 3:4,20,-6 4:12,-16
    head  1:-4,-16,6 2:nod 3:-4,16,-6 4:nod
    lf    1:.24,0,0,10,14 2:.24 3:.34 4:.24
    rf    1:.34 2:.24 3:.24,0,0,10,14 4:.24
dougie: la-hip-hop middle-hip-hop, energy 0.45
    ra    1:head 2:.7,.1,.1 3:.4,-.5,.4 4:hip
    la    1:.5,-.4,.35 2:.3,-.7,.0 3:head 4:.7,.1,.1
    hips  1:-.1,-.05,0,-8,0,7 2:.1,-.08,0,10,0,-7 3:-.1,-.05,0,-8,0,7 4:.1,-.08,0,10,0,-7
    chest 1:2,-8,12 2:6,14,-12 3:2,-8,12 4:6,14,-12
    head  1:tilt_right 2:left 3:tilt_left 4:up
    lf    1:.2 2:.34 3:.2 4:.34
    rf    1:.3 2:.24,.02,0,10,14 3:.3 4:.24,.02,0,10,14
chest pops: pop krump, energy 0.5, sharp
    chest 1:out 2:in 3:-14,20 4:20,-14
    arms  1:l_down 2:pull 3:.62,-.35,.15 4:l_front
    hips  1:0,-.02,-.05 2:0,-.1,.05 3:0,-.03,-.05,10 4:0,-.14,.03,-10,8
    head  1:up 2:down 3:-12,20 4:16,-12
    lf    1:.24 3:.24,.14 4:.24
    rf    1:.24
tutting: pop, energy 0.4, sharp
    la    1:l_up 2:l_front 3:cross_up 4:robot
    ra    1:l_front 2:l_up 3:robot 4:l_down
    chest 1:2,-14 2:2,14 3:-6,0,10 4:10
    hips  1:left 2:right 3:dip 4:0,-.1,0,14
    head  1:right 2:left 3:up 4:mid
    lf    1:.22 4:.3
    rf    1:.22 4:.22
fresno: pop lock, energy 0.55, sharp
    la    1:.85,-.1,.25 2:.25,-.6,.3 3:.6,.5,.2 4:pull
    ra    1:.25,-.6,.3 2:.85,-.1,.25 3:pull 4:.6,.5,.2
    hips  1:.12,-.05,0,14,0,-6 2:-.12,-.05,0,-14,0,6 3:.12,-.12,0,14,6 4:-.12,-.12,0,-14,6
    chest 1:2,22,-8 2:2,-22,8 3:-8,20 4:-8,-20
    head  1:left 2:right 3:0,30 4:0,-30
    lf    1:wide 2:.28,0,0,15,14 3:wide 4:.28,0,0,15,14
    rf    1:.28,0,0,15,14 2:wide 3:.28,0,0,15,14 4:wide
twist-o-flex: pop, energy 0.35, sharp
    head  1:right 2:0,-30 3:left 4:mid
    chest 1:2,4 2:2,-32 3:2,-10 4:2,30
    hips  1:0,-.03,0,4 2:0,-.03,0,-8 3:0,-.08,0,-34 4:0,-.03,0,20
    arms  1:l_down 2:robot 3:.6,-.4,.4 4:l_front
    lf    1:.22
    rf    1:.22
uncle sam points: lock, energy 0.6, sharp
    ra    1:up 2:.3,-.75,.5 3:front 4:pull
    la    1:hip 2:= 3:pull 4:.8,.45,.2
    lf    1:.2 2:.2 3:.36 4:=
    rf    1:.2 2:heel 3:.2 4:.26
    hips  1:right 2:0,-.1,-.05,-12,8 3:0,-.14,.05,-18 4:left
    chest 1:-10,0,-8 2:18,-16 3:8,30 4:-4,10,-12
    head  1:up 2:14,-20 3:mid 4:-6,40
wrist rolls: lock waack, energy 0.5
    arms  1:.25,.8,.2 1.5:.6,.65,.1,.8,60 2:.45,.45,.25 3:.3,.85,.1,.9,60 4:l_front!
    hips  1:left 2:right 3:left 4:low!
    chest 1:-6,0,10 2:-6,0,-10 3:-10,0,10 4:in!
    head  1:up 2:tilt_left 3:up 4:nod!
    lf    1:.22 3:wide 4:=
    rf    1:.22 3:= 4:wide
skeeter rabbit: lock break house, energy 0.9
    lf    1:kick_low 2:home 3:.3,-.14 4:home
    rf    1:home 2:= 2.5:.2,.1,.1 3:.16,.2 4:home
    la    1:.3,-.4,-.2 2:clap 3:.7,.3,.2 4:pull
    ra    1:.2,-.2,.7 2:clap 3:.7,.3,.2 4:pull
    hips  1:0,-.02,-.06 2:low 3:0,-.04,0,18 4:dip
    chest 1:-6,-14 2:18 3:-10,-14 4:in
    head  1:up 2:down 3:0,-25 4:nod
indian step: break, energy 0.85
    lf    1:cross 1.5:.1,.1,.1 2:home 3:= 4:=
    rf    1:home 2:= 3:cross 3.5:.1,.1,.1 4:home
    arms  1:cross 2:.9,.1,.0 3:cross 4:.9,.1,.0
    hips  1:-.04,-.1,.03,-26,6 2:0,-.03,-.02,8 3:.04,-.1,.03,26,6 4:0,-.03,-.02,-8
    chest 1:18,-10 2:-8,6 3:18,10 4:-8,-6
    head  1:down 2:up 3:down 4:up
side rock: break house salsa, energy 0.75
    lf    1:lunge 2:home 3:behind 4:home
    rf    1:home 2:= 3:.16 4:=
    la    1:.8,.2,.2 2:pull 3:.3,-.3,.5 4:.4,-.6,.1
    ra    1:.4,-.5,.3 2:pull 3:.85,.2,.1 4:.4,-.6,.1
    hips  1:.08,-.1,0,-10 2:dip 3:0,-.08,0,22 4:dip
    chest 1:8,14,-6 2:4 3:6,-18,8 4:2
    head  1:left 2:nod 3:right 4:nod
star jump: break house krump middle-hip-hop street-jazz, energy 1.0
    feet  1:close 1.5:.25,0,.12 2:wide 2.5:.25,0,.12 3:close 3.5:.25,0,.12 4:wide 4.5:.25,0,.12
    arms  1:down 2:v 3:.3,-.8,.3 4:.9,.3,.1
    hips  1:low 1.5:0,.06 2:low 2.5:0,.06 3:low 3.5:0,.06 4:low 4.5:0,.06
    chest 1:14 2:-8 3:14 4:-6
    head  1:nod 2:up 3:nod 4:up
pas de bourree: house street-jazz ballet-jazz, energy 0.7
    lf    1:behind 2:.3 3:= 4:=
    rf    1:home 2:.05 3:.2,.16 4:home
    arms  1:first 2:second 3:.5,.2,.4 4:.3,-.6,.3
    hips  1:0,-.08,0,20 2:high 3:0,-.1,0,-16 4:dip
    chest 1:8,-12 2:-4 3:10,14 4:4
    head  1:0,-20 2:up 3:0,20 4:nod
loose legs: house, energy 0.8
    lf    1:.3,.1 1.5:.05,.1,.14 2:-.05,.1 2.5:.3,.2,.14 3:.4,.05 4:home
    rf    1:home 2:.2,-.05 3:.14 3.5:.0,.15,.14 4:cross
    la    1:.5,-.4,.2 2:.1,-.4,.5 3:.6,-.1,.3 4:.2,-.5,.4
    ra    1:.2,-.4,.4 2:.6,-.3,.1 3:.2,-.3,.5 4:.7,-.2,.1
    hips  1:.05,-.1,0,10 2:-.05,-.1,0,-16 3:.05,-.1,0,10 4:0,-.12,0,18
    chest 1:10,-10 2:12,14 3:8,-10 4:14,-16
    head  1:nod 2:tilt_left 3:nod 4:tilt_right
stomp: house krump middle-hip-hop, energy 0.85
    lf    1:.3,.1 2:= 2.5:.3,.1,.35,10,30 3:.3,.15 4:home
    rf    1:.2 1.5:.3,.1,.35,10,30 2:.3,.15 3:= 4:.24
    la    1:.3,-.4,.5 2:.6,.2,.2 3:.2,-.4,.6 4:.6,-.4,.1
    ra    1:.6,.2,.2 2:.3,-.4,.5 3:.6,.3,.1 4:.6,-.4,.1
    hips  1:low 2:0,-.16,0,-12,10 3:0,-.16,0,12,10 4:dip
    chest 1:22,16 2:22,-18 3:24,18 4:-6
    head  1:nod 2:8,10 3:8,-10 4:up
arm swings: krump break, energy 0.9, sharp
    la    1:.75,.55,.1 2:-.3,-.3,.5 3:.2,-.8,.35 4:.8,.5,-.05
    ra    1:-.3,-.3,.5 2:.75,.55,.1 3:.8,.4,.1 4:.2,-.6,.55
    chest 1:-4,28 2:4,-28 3:30,-14 4:-16,16
    hips  1:0,-.12,0,16,4 2:0,-.12,0,-16,4 3:0,-.24,-.05,0,18 4:0,-.06,.06,10,-6
    lf    1:wide 3:wide 4:wide
    rf    1:wide 2:.32,.15 3:= 4:wide
    head  1:0,25 2:0,-25 3:down 4:up
buck jabs: krump, energy 0.95, sharp
    la    1:.1,-.3,.85 2:.5,.3,.1 3:.3,.2,.85 4:.2,-.7,.55
    ra    1:.5,.3,.1 2:.1,-.3,.85 3:.5,.3,.1 4:.65,.6,.15
    hips  1:.05,-.2,.04,-20,14 2:-.05,-.2,.04,20,14 3:.05,-.15,.04,-20,8 4:0,-.26,-.06,10,18
    chest 1:22,-22 2:22,22 3:8,-26 4:30,22
    head  1:4 2:4 3:up 4:10,-20
    lf    1:.36,.16 1.5:= 2:.3 3:.36,.2 4:=
    rf    1:.3 2:.36,.16 3:.3 4:.4
floss: middle-hip-hop la-hip-hop pop, energy 0.65
    la    1:.25,-.7,.45 2:.45,-.75,-.1 3:-.25,-.65,.45 4:.6,-.65,.2
    ra    1:.6,-.65,.2 2:-.25,-.65,.45 3:.45,-.75,-.1 4:.25,-.7,.45
    hips  1:.13,-.04,0,0,0,-6 2:-.13,-.04,0,0,0,6 3:.13,-.04,0,0,0,-6 4:-.13,-.04,0,0,0,6
    chest 1:4,0,8 2:4,0,-8 3:4,0,8 4:4,0,-8
    head  1:tilt_left 2:tilt_right 3:tilt_left 4:tilt_right
    lf    1:.24
    rf    1:.24
"""
